//! One group of requests: what the database holds, what each request means, what is written.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::models::ModelPoints;
use super::rights::Rights;
use super::series::Delta;
use super::{Log, NewRun, Param, Work, has_ended};
use crate::error::{Error, Resource, Result};
use crate::model::{Caller, DatasetInput, KeyValue, Point, RunInfo, RunStatus, append_to_location};
use crate::store::changes::{Touched, Versions};
use crate::store::compaction::Grown;
use crate::store::db::{Db, Tx};
use crate::store::lineage::{self, LineageKeys, Subject};
use crate::store::points::segment;
use crate::store::runs::{RUN_COLUMNS, RunRow, RunUpdate};
use crate::store::sql::{Column, Columns, Dialect, sql};
use crate::store::texts;
use crate::validate::python_string;

/// Pairs in one look-up of params.
const PAIRS: usize = 8_192;

/// What a committed group did.
pub(super) struct Committed {
    /// The answer to each request, in their order.
    pub outcomes: Vec<Result<Option<RunInfo>>>,
    /// The runs whose segments grew, or that ended.
    pub grown: Vec<Grown>,
}

/// Decides about all requests and commits what they bring, in one transaction.
pub(super) async fn commit(
    db: &Db,
    versions: &Versions,
    lineage_keys: &LineageKeys,
    requests: &[(Caller, Work)],
) -> Result<Committed> {
    let mut tx = db.write().await?;
    if requests.iter().any(|(_, work)| work.links()) {
        lineage::lock(&mut tx).await?;
    }
    let mut plan = Plan::load(&mut tx, requests).await?;
    let outcomes: Vec<_> = requests.iter().map(|(caller, work)| plan.decide(caller, work)).collect();
    let grown = plan.write(&mut tx, versions, lineage_keys).await?;
    tx.commit().await?;
    Ok(Committed { outcomes, grown })
}

/// What the database holds of the things that a group touches, and what the group makes of it.
#[derive(Default)]
struct Plan<'a> {
    experiments: HashMap<i64, ExperimentRow>,
    runs: HashMap<String, RunRow>,
    rights: Rights,
    params: HashMap<(i64, i64), String>,
    created: Vec<Created<'a>>,
    /// Runs whose links may have changed, by public id.
    linked: BTreeSet<&'a str>,
    changed: BTreeSet<String>,
    ended: BTreeSet<i64>,
    new_params: BTreeMap<(i64, i64), &'a str>,
    tags: BTreeMap<(i64, i64), &'a str>,
    series: BTreeMap<(i64, i64), Vec<Point>>,
    datasets: Vec<(i64, i64, &'a DatasetInput)>,
    models: Vec<(i64, &'a str)>,
    model_points: ModelPoints<'a>,
}

/// A run to insert.
struct Created<'a> {
    row: RunRow,
    tags: &'a [(i64, String)],
    /// Whether its tags may link it to others.
    links: bool,
}

/// Where and when the runs of a group began: rows of what was logged to them repeat it, for their indexes.
struct Origins {
    /// Experiment and start time by run.
    places: HashMap<i64, (i64, i64)>,
    /// The runs that this group creates.
    created: Vec<i64>,
}

impl Origins {
    fn columns(&self, runs: impl Iterator<Item = i64>) -> (Column, Column) {
        let (experiments, starts) = runs.map(|run_id| self.places[&run_id]).unzip();
        (Column::Int(experiments), Column::Int(starts))
    }
}

#[derive(sqlx::FromRow)]
struct ExperimentRow {
    id: i64,
    artifact_location: String,
    deleted_ms: Option<i64>,
}

impl<'a> Plan<'a> {
    /// Reads what the requests are about, and on PostgreSQL locks it: experiments before runs, each by id, so that no
    /// two processes wait for one another.
    async fn load(tx: &mut Tx, requests: &[(Caller, Work)]) -> Result<Self> {
        let mut plan = Plan::default();
        plan.load_experiments(tx, requests).await?;
        plan.load_runs(tx, requests).await?;
        plan.load_params(tx, requests).await?;
        plan.model_points.load(tx, requests).await?;
        let mut namespaces: BTreeSet<i64> = plan.experiments.keys().copied().collect();
        namespaces.extend(plan.runs.values().map(|run| run.experiment_id));
        namespaces.extend(plan.model_points.namespaces());
        plan.rights = Rights::load(tx, requests, namespaces).await?;
        Ok(plan)
    }

    async fn load_experiments(&mut self, tx: &mut Tx, requests: &[(Caller, Work)]) -> Result<()> {
        let wanted: BTreeSet<i64> = requests
            .iter()
            .filter_map(|(_, work)| match work {
                Work::Create { new, .. } => Some(new.experiment_id),
                Work::Update { .. } | Work::Log { .. } | Work::Inputs { .. } => None,
            })
            .collect();
        if wanted.is_empty() {
            return Ok(());
        }
        let mut statement = sql("SELECT id, artifact_location, deleted_ms FROM experiment WHERE id");
        statement.bind_ints(tx.dialect(), &Vec::from_iter(wanted));
        if tx.dialect() == Dialect::Postgres {
            statement.push(" AND ").push(lineage::CREATING).push(" ORDER BY id FOR SHARE");
        }
        let rows: Vec<ExperimentRow> = tx.all(statement).await?;
        self.experiments = rows.into_iter().map(|row| (row.id, row)).collect();
        Ok(())
    }

    async fn load_runs(&mut self, tx: &mut Tx, requests: &[(Caller, Work)]) -> Result<()> {
        let wanted: BTreeSet<&str> = requests.iter().map(|(_, work)| work.run_id()).collect();
        let mut statement = sql("SELECT ");
        statement.push(RUN_COLUMNS).push(" FROM run WHERE public_id");
        statement.bind_texts(tx.dialect(), &Vec::from_iter(wanted));
        if tx.dialect() == Dialect::Postgres {
            statement.push(" ORDER BY id FOR NO KEY UPDATE");
        }
        let rows: Vec<RunRow> = tx.all(statement).await?;
        self.runs = rows.into_iter().map(|row| (row.public_id.clone(), row)).collect();
        Ok(())
    }

    async fn load_params(&mut self, tx: &mut Tx, requests: &[(Caller, Work)]) -> Result<()> {
        let mut wanted = BTreeSet::new();
        for (_, work) in requests {
            if let Work::Log { run_id, log } = work
                && let Some(run) = self.runs.get(run_id)
            {
                wanted.extend(log.params.iter().map(|param| (run.id, param.key_id)));
            }
        }
        let wanted = Vec::from_iter(wanted);
        for part in wanted.chunks(PAIRS) {
            let mut statement = sql("WITH wanted (run_id, key_id) AS (");
            // CROSS JOIN makes SQLite look each pair up instead of reading the table.
            statement.bind_pairs(tx.dialect(), part).push(
                ") SELECT p.run_id, p.key_id, p.head || coalesce(p.tail, '') FROM wanted CROSS JOIN param p \
                 WHERE p.run_id = wanted.run_id AND p.key_id = wanted.key_id",
            );
            let rows: Vec<(i64, i64, String)> = tx.all(statement).await?;
            self.params.extend(rows.into_iter().map(|(run_id, key_id, value)| ((run_id, key_id), value)));
        }
        Ok(())
    }

    fn decide(&mut self, caller: &Caller, work: &'a Work) -> Result<Option<RunInfo>> {
        match work {
            Work::Create { new, tags, links } => self.create(caller, new, tags, *links).map(Some),
            Work::Update { run_id, update, name_key } => self.update(caller, run_id, update, *name_key).map(Some),
            Work::Log { run_id, log } => self.log(caller, run_id, log).map(|()| None),
            Work::Inputs { run_id, datasets, models } => {
                let run = self.active(caller, run_id)?;
                let (run_id, experiment_id) = (run.id, run.experiment_id);
                self.datasets.extend(datasets.iter().map(|dataset| (run_id, experiment_id, dataset)));
                self.models.extend(models.iter().map(|model| (run_id, model.as_str())));
                Ok(None)
            }
        }
    }

    fn create(&mut self, caller: &Caller, new: &NewRun, tags: &'a [(i64, String)], links: bool) -> Result<RunInfo> {
        // A commit whose answer was lost is found here when the group is tried again.
        if let Some(run) = self.runs.get(&new.run_id) {
            return run.info();
        }
        let id = new.experiment_id;
        let absent = || Resource::Experiment(id.to_string());
        let experiment = self.experiments.get(&id).ok_or_else(|| Error::NotFound(absent()))?;
        self.rights.check(caller, id, absent)?;
        if experiment.deleted_ms.is_some() {
            return Err(inactive_experiment(id));
        }
        let run = RunRow {
            id: 0,
            public_id: new.run_id.clone(),
            experiment_id: id,
            name: new.name.clone(),
            user_id: new.user_id.clone(),
            status: RunStatus::Running as i64,
            start_ms: new.start_ms,
            end_ms: None,
            deleted_ms: None,
            artifact_uri: append_to_location(&experiment.artifact_location, &format!("{}/artifacts", new.run_id)),
        };
        let info = run.info()?;
        self.created.push(Created { row: run, tags, links });
        Ok(info)
    }

    fn update(&mut self, caller: &Caller, run_id: &str, update: &'a RunUpdate, name_key: i64) -> Result<RunInfo> {
        let run = self.active(caller, run_id)?;
        let id = run.id;
        run.status = update.status.map_or(run.status, |status| status as i64);
        run.end_ms = update.end_ms.or(run.end_ms);
        if let Some(name) = &update.name {
            run.name.clone_from(name);
        }
        let (info, ended) = (run.info()?, has_ended(run.status));
        if let Some(name) = &update.name {
            self.tags.insert((id, name_key), name);
        }
        self.changed.insert(run_id.to_owned());
        if ended {
            self.ended.insert(id);
        }
        Ok(info)
    }

    fn log(&mut self, caller: &Caller, run_id: &'a str, log: &'a Log) -> Result<()> {
        let id = self.active(caller, run_id)?.id;
        self.model_points.must_know(&log.model_metrics, caller, &self.rights)?;
        let conflicts: Vec<(&Param, &str)> = log
            .params
            .iter()
            .filter_map(|param| {
                let place = (id, param.key_id);
                let stored = self.new_params.get(&place).copied();
                let stored = stored.or_else(|| self.params.get(&place).map(String::as_str))?;
                (stored != param.value).then_some((param, stored))
            })
            .collect();
        if !conflicts.is_empty() {
            return Err(changed_params(run_id, &conflicts, log.single_param));
        }
        for param in &log.params {
            let place = (id, param.key_id);
            if !self.params.contains_key(&place) {
                self.new_params.insert(place, &param.value);
            }
        }
        for (key_id, points) in &log.series {
            self.series.entry((id, *key_id)).or_default().extend_from_slice(points);
        }
        for (key_id, value) in &log.tags {
            self.tags.insert((id, *key_id), value);
        }
        self.model_points.add(id, &log.model_metrics);
        if log.links {
            self.linked.insert(run_id);
        }
        if let Some(name) = &log.name {
            self.active(caller, run_id)?.name.clone_from(name);
            self.changed.insert(run_id.to_owned());
        }
        Ok(())
    }

    fn active(&mut self, caller: &Caller, run_id: &str) -> Result<&mut RunRow> {
        let absent = || Resource::Run(run_id.to_owned());
        let run = self.runs.get_mut(run_id).ok_or_else(|| Error::NotFound(absent()))?;
        self.rights.check(caller, run.experiment_id, absent)?;
        run.must_be_active()?;
        Ok(run)
    }

    /// Writes everything, a few statements in all.
    async fn write(mut self, tx: &mut Tx, versions: &Versions, lineage_keys: &LineageKeys) -> Result<Vec<Grown>> {
        let known = self.linked.iter().filter_map(|public_id| self.runs.get(*public_id));
        let mut linked: Vec<Subject> = known.map(RunRow::subject).collect();
        let (origins, created) = self.write_created(tx).await?;
        linked.extend(created);
        self.write_versions(tx, versions, &origins).await?;
        self.write_changed(tx).await?;
        self.write_params_and_tags(tx, &origins).await?;
        let others = lineage::refresh(tx, lineage_keys, linked).await?;
        if !others.is_empty() {
            versions.mark(tx, others).await?;
        }
        self.write_inputs(tx).await?;
        std::mem::take(&mut self.model_points).write(tx).await?;
        self.write_points(tx, &origins).await
    }

    /// What of each run this group changes, before the other methods take it.
    async fn write_versions(&self, tx: &mut Tx, versions: &Versions, origins: &Origins) -> Result<()> {
        let mut touched: BTreeMap<i64, Touched> = BTreeMap::new();
        for (run_id, _) in self.series.keys() {
            touched.entry(*run_id).or_default().points = true;
        }
        for (run_id, _) in self.new_params.keys() {
            touched.entry(*run_id).or_default().params = true;
        }
        let changed = self.changed.iter().map(String::as_str).chain(self.linked.iter().copied());
        let changed = changed.filter_map(|public_id| self.runs.get(public_id)).map(|run| run.id);
        let tagged = self.tags.keys().map(|(run_id, _)| *run_id);
        let inputs = self.datasets.iter().map(|(run_id, ..)| *run_id);
        let inputs = inputs.chain(self.models.iter().map(|(run_id, _)| *run_id));
        for run_id in changed.chain(tagged).chain(inputs).chain(origins.created.iter().copied()) {
            touched.entry(run_id).or_default().info = true;
        }
        if touched.is_empty() {
            return Ok(());
        }
        versions.mark(tx, touched).await
    }

    /// Inserts the new runs, and answers where and when all runs of the group began, and which of the new ones may have
    /// links.
    async fn write_created(&mut self, tx: &mut Tx) -> Result<(Origins, Vec<Subject>)> {
        let places = self.runs.values().map(|run| (run.id, (run.experiment_id, run.start_ms))).collect();
        let mut origins = Origins { places, created: Vec::new() };
        let mut linked = Vec::new();
        let created = std::mem::take(&mut self.created);
        let mut known = HashMap::new();
        let mut rows = Vec::with_capacity(created.len());
        for Created { row, tags, links } in created {
            known.insert(row.public_id.clone(), ((row.experiment_id, row.start_ms), tags, links));
            rows.push(row);
        }
        let head = "INSERT INTO run (public_id, experiment_id, name, user_id, status, start_ms, end_ms, deleted_ms, \
                    artifact_uri)";
        // Whether others name the run already, because they arrived first.
        let tail = "RETURNING id, public_id, EXISTS (SELECT 1 FROM link l WHERE l.target = public_id) AS is_named";
        let inserted: Vec<(i64, String, bool)> = tx.insert_returning(head, run_columns(rows), tail).await?;
        for (id, public_id, is_named) in inserted {
            let ((experiment_id, start_ms), tags, links) = known[&public_id];
            origins.places.insert(id, (experiment_id, start_ms));
            origins.created.push(id);
            for (key_id, value) in tags {
                self.tags.insert((id, *key_id), value);
            }
            if links || is_named {
                linked.push(Subject { id, public_id, experiment_id, start_ms, is_fresh: !is_named });
            }
        }
        Ok((origins, linked))
    }

    /// An upsert by id, because it takes many rows at once; the rows exist, so it never inserts.
    async fn write_changed(&mut self, tx: &mut Tx) -> Result<()> {
        let mut rows: Vec<RunRow> = self.changed.iter().filter_map(|public_id| self.runs.remove(public_id)).collect();
        rows.sort_unstable_by_key(|row| row.id);
        let ids = rows.iter().map(|row| row.id).collect();
        let mut columns = run_columns(rows);
        columns.0.push(Column::Int(ids));
        let head = "INSERT INTO run (public_id, experiment_id, name, user_id, status, start_ms, end_ms, deleted_ms, \
                    artifact_uri, id)";
        let tail = "ON CONFLICT (id) DO UPDATE \
                    SET name = excluded.name, status = excluded.status, end_ms = excluded.end_ms";
        tx.insert(head, columns, tail).await.map(drop)
    }

    async fn write_params_and_tags(&mut self, tx: &mut Tx, origins: &Origins) -> Result<()> {
        let params = key_value_columns(std::mem::take(&mut self.new_params), origins);
        tx.insert("INSERT INTO param (run_id, key_id, head, tail, experiment_id, start_ms)", params, "").await?;
        let tags = key_value_columns(std::mem::take(&mut self.tags), origins);
        let tail = "ON CONFLICT (run_id, key_id) DO UPDATE SET head = excluded.head, tail = excluded.tail \
                    WHERE tag.head <> excluded.head OR tag.tail IS DISTINCT FROM excluded.tail";
        tx.insert("INSERT INTO tag (run_id, key_id, head, tail, experiment_id, start_ms)", tags, tail).await.map(drop)
    }

    async fn write_inputs(&mut self, tx: &mut Tx) -> Result<()> {
        let models = std::mem::take(&mut self.models);
        let (runs, models) = models.into_iter().map(|(run, model)| (run, model.to_owned())).unzip();
        let columns = Columns(vec![Column::Int(runs), Column::Text(models)]);
        tx.insert("INSERT INTO model_input (run_id, model_id)", columns, "ON CONFLICT (run_id, model_id) DO NOTHING")
            .await?;
        if self.datasets.is_empty() {
            return Ok(());
        }
        let ids = self.dataset_ids(tx).await?;
        let (mut runs, mut datasets, mut tags, mut contexts) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let mut linked = BTreeSet::new();
        for (run_id, experiment_id, input) in &self.datasets {
            let identity = (*experiment_id, input.dataset.name.clone(), input.dataset.digest.clone());
            let id = ids.get(&identity).copied();
            let id = id.ok_or_else(|| Error::internal(anyhow::anyhow!("a dataset that was inserted is not there")))?;
            // Linked once, with the tags of the first time (contract section 3).
            if linked.insert((*run_id, id)) {
                runs.push(*run_id);
                datasets.push(id);
                tags.push(tags_json(&input.tags)?);
                contexts.push(context(&input.tags));
            }
        }
        let columns = vec![Column::Int(runs), Column::Int(datasets), Column::Text(tags), Column::OptText(contexts)];
        let head = "INSERT INTO dataset_input (run_id, dataset_id, tags, context)";
        tx.insert(head, Columns(columns), "ON CONFLICT (run_id, dataset_id) DO NOTHING").await.map(drop)
    }

    /// The ids of the datasets by (experiment, name, digest); those that are new are inserted.
    async fn dataset_ids(&self, tx: &mut Tx) -> Result<HashMap<(i64, String, String), i64>> {
        // In order of their identity, so that two processes insert them in the same order; the first writer's source,
        // schema and profile stay.
        let mut datasets = BTreeMap::new();
        for (_, experiment_id, input) in &self.datasets {
            let identity = (*experiment_id, input.dataset.name.as_str(), input.dataset.digest.as_str());
            datasets.entry(identity).or_insert(&input.dataset);
        }
        let experiments: BTreeSet<i64> = datasets.keys().map(|(experiment_id, ..)| *experiment_id).collect();
        let names: BTreeSet<&str> = datasets.keys().map(|(_, name, _)| *name).collect();
        let text = |field: fn(&crate::model::Dataset) -> &String| {
            Column::Text(datasets.values().map(|dataset| field(dataset).clone()).collect())
        };
        let optional = |field: fn(&crate::model::Dataset) -> &Option<String>| {
            Column::OptText(datasets.values().map(|dataset| field(dataset).clone()).collect())
        };
        let columns = vec![
            Column::Int(datasets.keys().map(|(experiment_id, ..)| *experiment_id).collect()),
            text(|dataset| &dataset.name),
            text(|dataset| &dataset.digest),
            text(|dataset| &dataset.source_type),
            text(|dataset| &dataset.source),
            optional(|dataset| &dataset.schema),
            optional(|dataset| &dataset.profile),
        ];
        let head = "INSERT INTO dataset (experiment_id, name, digest, source_type, source, schema, profile)";
        tx.insert(head, Columns(columns), "ON CONFLICT (experiment_id, name, digest) DO NOTHING").await?;
        let mut statement = sql("SELECT experiment_id, name, digest, id FROM dataset WHERE experiment_id");
        statement.bind_ints(tx.dialect(), &Vec::from_iter(experiments)).push(" AND name");
        statement.bind_texts(tx.dialect(), &Vec::from_iter(names));
        let rows: Vec<(i64, String, String, i64)> = tx.all(statement).await?;
        Ok(rows.into_iter().map(|(experiment_id, name, digest, id)| ((experiment_id, name, digest), id)).collect())
    }

    /// One segment for each run, one row brought up to date for each series.
    async fn write_points(&mut self, tx: &mut Tx, origins: &Origins) -> Result<Vec<Grown>> {
        let mut series = std::mem::take(&mut self.series);
        series.retain(|_, points| !points.is_empty());
        let deltas: Vec<((i64, i64), Delta)> =
            series.iter_mut().map(|(place, points)| (*place, Delta::of(points))).collect();
        let mut by_run: BTreeMap<i64, Vec<(i64, &[Point])>> = BTreeMap::new();
        for ((run_id, key_id), points) in &series {
            by_run.entry(*run_id).or_default().push((*key_id, points));
        }
        let mut grown: BTreeMap<i64, Grown> =
            self.ended.iter().map(|run_id| (*run_id, Grown { run_id: *run_id, points: 0, ended: true })).collect();
        let (mut runs, mut counts, mut blobs) = (Vec::new(), Vec::new(), Vec::new());
        for (run_id, series) in &by_run {
            let points: usize = series.iter().map(|(_, points)| points.len()).sum();
            let grown = grown.entry(*run_id).or_insert(Grown { run_id: *run_id, points: 0, ended: false });
            grown.points = points as i64;
            runs.push(*run_id);
            counts.push(points as i64);
            blobs.push(segment::encode(series));
        }
        let columns = vec![Column::Int(runs), Column::Int(counts), Column::Bytes(blobs)];
        tx.insert("INSERT INTO metric_segment (run_id, points, data)", Columns(columns), "").await?;
        tx.insert(UPSERT_SERIES, series_columns(&deltas, origins), MERGE_SERIES).await?;
        Ok(grown.into_values().collect())
    }
}

const UPSERT_SERIES: &str = "INSERT INTO metric_series AS s (run_id, key_id, value, is_nan, step, timestamp_ms, count, \
     min_value, max_value, first_ms, first_step, min_step, max_step, loose, experiment_id, start_ms)";

/// "Latest" is the point with the greatest (step, timestamp, value), whatever order points arrive in. The new points
/// advance if their first lies after the latest one known; else the series is loose from now on.
const MERGE_SERIES: &str = "ON CONFLICT (run_id, key_id) DO UPDATE SET \
     value = CASE WHEN (excluded.step, excluded.timestamp_ms, excluded.value, excluded.is_nan) \
         > (s.step, s.timestamp_ms, s.value, s.is_nan) THEN excluded.value ELSE s.value END, \
     is_nan = CASE WHEN (excluded.step, excluded.timestamp_ms, excluded.value, excluded.is_nan) \
         > (s.step, s.timestamp_ms, s.value, s.is_nan) THEN excluded.is_nan ELSE s.is_nan END, \
     timestamp_ms = CASE WHEN (excluded.step, excluded.timestamp_ms, excluded.value, excluded.is_nan) \
         > (s.step, s.timestamp_ms, s.value, s.is_nan) THEN excluded.timestamp_ms ELSE s.timestamp_ms END, \
     step = CASE WHEN excluded.step > s.step THEN excluded.step ELSE s.step END, \
     count = s.count + excluded.count, \
     min_value = CASE WHEN excluded.min_value IS NULL OR s.min_value <= excluded.min_value \
         THEN s.min_value ELSE excluded.min_value END, \
     max_value = CASE WHEN excluded.max_value IS NULL OR s.max_value >= excluded.max_value \
         THEN s.max_value ELSE excluded.max_value END, \
     first_ms = CASE WHEN (excluded.first_ms, excluded.first_step) < (s.first_ms, s.first_step) \
         THEN excluded.first_ms ELSE s.first_ms END, \
     first_step = CASE WHEN (excluded.first_ms, excluded.first_step) < (s.first_ms, s.first_step) \
         THEN excluded.first_step ELSE s.first_step END, \
     min_step = CASE WHEN excluded.min_step < s.min_step THEN excluded.min_step ELSE s.min_step END, \
     max_step = CASE WHEN excluded.max_step > s.max_step THEN excluded.max_step ELSE s.max_step END, \
     loose = s.loose OR excluded.loose OR NOT (excluded.first_ms >= s.timestamp_ms AND excluded.first_step >= s.step \
         AND (excluded.first_ms > s.timestamp_ms OR excluded.first_step > s.step))";

fn series_columns(deltas: &[((i64, i64), Delta)], origins: &Origins) -> Columns {
    let (experiments, starts) = origins.columns(deltas.iter().map(|((run_id, _), _)| *run_id));
    let int = |field: fn(&Delta) -> i64| Column::Int(deltas.iter().map(|(_, delta)| field(delta)).collect());
    let float =
        |field: fn(&Delta) -> Option<f64>| Column::OptFloat(deltas.iter().map(|(_, delta)| field(delta)).collect());
    let flag = |field: fn(&Delta) -> bool| Column::Bool(deltas.iter().map(|(_, delta)| field(delta)).collect());
    Columns(vec![
        Column::Int(deltas.iter().map(|((run_id, _), _)| *run_id).collect()),
        Column::Int(deltas.iter().map(|((_, key_id), _)| *key_id).collect()),
        Column::Float(deltas.iter().map(|(_, delta)| delta.latest.value.sort_value()).collect()),
        flag(|delta| delta.latest.value.is_nan()),
        int(|delta| delta.latest.step),
        int(|delta| delta.latest.timestamp_ms),
        int(|delta| delta.count),
        float(|delta| delta.min_value),
        float(|delta| delta.max_value),
        int(|delta| delta.first_ms),
        int(|delta| delta.first_step),
        int(|delta| delta.min_step),
        int(|delta| delta.max_step),
        flag(|delta| delta.loose),
        experiments,
        starts,
    ])
}

/// All columns of runs but the id.
fn run_columns(rows: Vec<RunRow>) -> Columns {
    let int = |field: fn(&RunRow) -> i64| Column::Int(rows.iter().map(field).collect());
    let optional = |field: fn(&RunRow) -> Option<i64>| Column::OptInt(rows.iter().map(field).collect());
    let text = |field: fn(&RunRow) -> &String| Column::Text(rows.iter().map(|row| field(row).clone()).collect());
    Columns(vec![
        text(|row| &row.public_id),
        int(|row| row.experiment_id),
        text(|row| &row.name),
        text(|row| &row.user_id),
        int(|row| row.status),
        int(|row| row.start_ms),
        optional(|row| row.end_ms),
        optional(|row| row.deleted_ms),
        text(|row| &row.artifact_uri),
    ])
}

fn key_value_columns(values: BTreeMap<(i64, i64), &str>, origins: &Origins) -> Columns {
    let (experiments, starts) = origins.columns(values.keys().map(|(run_id, _)| *run_id));
    let (mut runs, mut keys, mut heads, mut tails) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for ((run_id, key_id), value) in values {
        let (head, tail) = texts::split(value);
        runs.push(run_id);
        keys.push(key_id);
        heads.push(head.to_owned());
        tails.push(tail.map(str::to_owned));
    }
    let values = [Column::Int(runs), Column::Int(keys), Column::Text(heads), Column::OptText(tails)];
    Columns(values.into_iter().chain([experiments, starts]).collect())
}

fn tags_json(tags: &[KeyValue]) -> Result<String> {
    let pairs: Vec<(&str, &str)> = tags.iter().map(|tag| (tag.key.as_str(), tag.value.as_str())).collect();
    serde_json::to_string(&pairs).map_err(Error::internal)
}

fn context(tags: &[KeyValue]) -> Option<String> {
    tags.iter().find(|tag| tag.key == "mlflow.data.context").map(|tag| tag.value.clone())
}

fn changed_params(run_id: &str, conflicts: &[(&Param, &str)], single: bool) -> Error {
    let opening = "Changing param values is not allowed.";
    let shown = python_string;
    if let [(param, stored)] = conflicts
        && single
    {
        let (key, stored, new) = (shown(&param.key), shown(stored), shown(&param.value));
        return Error::Invalid(format!(
            "{opening} Param with key={key} was already logged with value={stored} for run ID='{run_id}'. Attempted \
             logging new value {new}."
        ));
    }
    let conflict = |(param, stored): &(&Param, &str)| {
        let (key, stored, new) = (shown(&param.key), shown(stored), shown(&param.value));
        format!("{{'key': {key}, 'old_value': {stored}, 'new_value': {new}}}")
    };
    let list = conflicts.iter().map(conflict).collect::<Vec<_>>().join(", ");
    Error::Invalid(format!("{opening} Params were already logged='[{list}]' for run ID='{run_id}'."))
}

/// The contract's text for a run in, or a change of, a deleted experiment.
pub(in crate::store) fn inactive_experiment(id: i64) -> Error {
    Error::Invalid(format!("The experiment {id} must be in the 'active' state. Current state is deleted."))
}
