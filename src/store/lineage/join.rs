//! Working out which runs are one training, from the links of some of them and what is around these.
//!
//! Only the runs that a change is about are looked at one by one. All others are in trainings whose runs hang together
//! already: of these only the name is needed.
//!
//! Ids join trainings within an experiment only: whoever may write to one namespace changes no training of another by naming
//! its runs. What a run is nested in may lie elsewhere, as that tells of this run alone.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::write::{Subject, joins, read_links};
use crate::error::Result;
use crate::lineage::{Lineage, LinkKind};
use crate::store::db::Tx;
use crate::store::sql::{Column, Columns, Sql, sql};

/// A run whose place is worked out anew.
struct Seed {
    subject: Subject,
    /// Those of its links that join trainings.
    joins: Vec<String>,
    /// What it is nested in, by public id, if that is to be looked up.
    nest: Option<String>,
    parent_id: Option<i64>,
    prepared: bool,
    origin: Option<String>,
    /// Whether its training is put together anew.
    apart: bool,
}

/// A public id in an experiment.
type Name<'a> = (i64, &'a str);

/// The runs whose places are worked out.
pub(super) struct Seeds(BTreeMap<i64, Seed>);

#[derive(sqlx::FromRow)]
struct MemberRow {
    #[sqlx(flatten)]
    subject: Subject,
    parent_id: Option<i64>,
    prepared: bool,
    origin: Option<String>,
}

impl Seeds {
    pub fn new(subjects: &[Subject], said: &HashMap<i64, Lineage>) -> Self {
        let seed = |subject: &Subject| {
            let says = &said[&subject.id];
            let nest = says.links.iter().find(|link| link.kind == LinkKind::Nest);
            let seed = Seed {
                subject: subject.clone(),
                joins: says.links.iter().filter(|link| joins(link)).map(|link| link.target.clone()).collect(),
                nest: nest.map(|link| link.target.clone()),
                parent_id: None,
                prepared: says.prepared,
                origin: says.origin.clone(),
                apart: false,
            };
            (subject.id, seed)
        };
        Seeds(subjects.iter().map(seed).collect())
    }

    /// Adds all runs that are in one training with one of `runs`.
    pub async fn add_trainings_of(&mut self, tx: &mut Tx, runs: &[i64]) -> Result<()> {
        if runs.is_empty() {
            return Ok(());
        }
        let mut statement =
            sql("SELECT r.id, r.public_id, r.experiment_id, r.start_ms, m.parent_id, m.prepared, m.origin
             FROM lineage m JOIN run r ON r.id = m.run_id
             WHERE m.training_id IN (SELECT o.training_id FROM lineage o WHERE o.run_id");
        statement.bind_ints(tx.dialect(), runs).push(")");
        let members: Vec<MemberRow> = tx.all(statement).await?;
        let ids: Vec<i64> = members.iter().map(|member| member.subject.id).collect();
        let mut links = read_links(tx, &ids).await?;
        for MemberRow { subject, parent_id, prepared, origin } in members {
            let links = links.remove(&subject.id).unwrap_or_default();
            let joins = links.into_iter().filter(joins).map(|link| link.target).collect();
            let member = Seed { subject, joins, nest: None, parent_id, prepared, origin, apart: true };
            self.0.entry(member.subject.id).or_insert(member).apart = true;
        }
        Ok(())
    }

    /// The ids by which trainings hang together.
    fn names(&self) -> BTreeSet<Name<'_>> {
        self.0.values().flat_map(Seed::names).collect()
    }

    /// The trainings that come of it.
    pub fn join(&self, around: &Around) -> Rows {
        let mut sets = Sets::default();
        for (id, seed) in &self.0 {
            let (place, experiment) = (Place::Run(*id), seed.subject.experiment_id);
            sets.join(place, Place::Name((experiment, &seed.subject.public_id)));
            seed.joins.iter().for_each(|name| sets.join(place, Place::Name((experiment, name))));
            if let Some(training) = around.kept.get(id).filter(|_| !seed.apart) {
                sets.join(place, Place::Training(*training));
            }
        }
        let outside = |id: i64, training: Option<i64>| match training {
            _ if self.0.contains_key(&id) => Place::Run(id),
            Some(training) => Place::Training(training),
            None => Place::Run(id),
        };
        let names = self.names();
        for name in names.iter().copied() {
            if let Some(found) = around.named(name) {
                sets.join(Place::Name(name), outside(found.subject.id, found.training_id));
            }
            if let Some(sharing) = around.sharing(name) {
                sets.join(Place::Name(name), outside(sharing.run_id, Some(sharing.training_id)));
            }
        }
        let mut rows = Rows { renamed: sets.renamed(), ..Rows::default() };
        let origin = |seed: &'_ Seed| Some((seed.subject.experiment_id, seed.origin.clone()?));
        let copied: BTreeSet<(i64, String)> = self.0.values().filter_map(origin).collect();
        for (id, seed) in &self.0 {
            let nest = seed.nest();
            let parent = nest.and_then(|(_, name)| around.named.get(name)).map(|found| found.subject.id);
            let parent = parent.or_else(|| nest.and_then(|name| around.copy(name)));
            let own = &seed.subject.public_id;
            let name = (seed.subject.experiment_id, own.clone());
            let is_origin = copied.contains(&name) || around.is_copied((name.0, own));
            rows.add(
                &seed.subject,
                sets.training(Place::Run(*id)),
                parent.or(seed.parent_id).filter(|parent| parent != id),
                seed.prepared,
                seed.origin.clone().or_else(|| is_origin.then(|| own.clone())),
            );
        }
        for (name, found) in around.named.iter().filter(|(_, found)| !self.0.contains_key(&found.subject.id)) {
            let experiment = found.subject.experiment_id;
            let is_origin = copied.contains(&(experiment, name.clone()));
            if found.training_id.is_none() && names.contains(&(experiment, name.as_str())) {
                let origin = is_origin.then(|| name.clone());
                rows.add(&found.subject, sets.training(Place::Run(found.subject.id)), None, false, origin);
            } else if is_origin {
                rows.copied.push(found.subject.id);
            }
        }
        rows
    }
}

impl Seed {
    /// Its own id and those by which it hangs together with others.
    fn names(&self) -> impl Iterator<Item = Name<'_>> {
        let own = std::iter::once(&self.subject.public_id);
        own.chain(&self.joins).map(|name| (self.subject.experiment_id, name.as_str()))
    }

    fn nest(&self) -> Option<Name<'_>> {
        self.nest.as_deref().map(|name| (self.subject.experiment_id, name))
    }
}

/// What else there is of the ids that seeds name.
pub(super) struct Around {
    /// The trainings of the seeds so far.
    kept: HashMap<i64, i64>,
    /// The runs of these ids, in whichever experiment.
    named: HashMap<String, NamedRow>,
    /// For each id that other runs resume or copy, one of these in each experiment.
    sharing: HashMap<String, Vec<SharingRow>>,
    /// For each id that is not here, a run in each experiment that is a copy of it.
    copies: HashMap<String, Vec<CopyRow>>,
}

#[derive(sqlx::FromRow)]
struct NamedRow {
    #[sqlx(flatten)]
    subject: Subject,
    training_id: Option<i64>,
}

#[derive(sqlx::FromRow)]
struct SharingRow {
    target: String,
    experiment_id: i64,
    run_id: i64,
    kind: i64,
    training_id: i64,
}

#[derive(sqlx::FromRow)]
struct CopyRow {
    target: String,
    experiment_id: i64,
    run_id: i64,
}

impl Around {
    pub async fn read(tx: &mut Tx, seeds: &Seeds) -> Result<Self> {
        let dialect = tx.dialect();
        let (fresh, known): (Vec<&Seed>, Vec<&Seed>) = seeds.0.values().partition(|seed| seed.subject.is_fresh);
        let mut kept: Vec<(i64, i64)> = Vec::new();
        if !known.is_empty() {
            let mut statement = sql("SELECT run_id, training_id FROM lineage WHERE run_id");
            statement.bind_ints(dialect, &Vec::from_iter(known.iter().map(|seed| seed.subject.id)));
            kept = tx.all(statement).await?;
        }

        let nests: BTreeSet<Name<'_>> = seeds.0.values().filter_map(Seed::nest).collect();
        let names = seeds.names();
        let ids = |names: &mut dyn Iterator<Item = &Name<'_>>| -> BTreeSet<String> {
            names.map(|(_, name)| (*name).to_owned()).collect()
        };
        let mut statement = sql("SELECT r.id, r.public_id, r.experiment_id, r.start_ms, m.training_id
             FROM run r LEFT JOIN lineage m ON m.run_id = r.id WHERE r.public_id");
        let all = ids(&mut names.union(&nests));
        statement.bind_texts(dialect, &Vec::from_iter(all.iter().map(String::as_str)));
        let named: Vec<NamedRow> = tx.all(statement).await?;
        let named: HashMap<String, NamedRow> =
            named.into_iter().map(|row| (row.subject.public_id.clone(), row)).collect();

        let own: BTreeSet<Name<'_>> =
            fresh.iter().map(|seed| (seed.subject.experiment_id, seed.subject.public_id.as_str())).collect();
        let shared = ids(&mut names.difference(&own));
        let mut sharing: HashMap<String, Vec<SharingRow>> = HashMap::new();
        if !shared.is_empty() {
            let mut statement = sql("SELECT s.target, s.experiment_id, s.run_id, s.kind, m.training_id FROM (
                 SELECT l.target, o.experiment_id, min(l.run_id) AS run_id, max(l.kind) AS kind
                 FROM link l JOIN lineage o ON o.run_id = l.run_id WHERE l.target");
            statement.bind_texts(dialect, &Vec::from_iter(shared.iter().map(String::as_str))).push(
                " AND l.kind IN (2, 4) GROUP BY l.target, o.experiment_id) s JOIN lineage m ON m.run_id = s.run_id",
            );
            for row in tx.all::<SharingRow>(statement).await? {
                sharing.entry(row.target.clone()).or_default().push(row);
            }
        }

        let mut around = Around { kept: kept.into_iter().collect(), named, sharing, copies: HashMap::new() };
        let absent = ids(&mut nests.iter().filter(|(_, name)| !around.named.contains_key(*name)));
        if !absent.is_empty() {
            let mut statement = sql("SELECT l.target, o.experiment_id, min(l.run_id) AS run_id
                 FROM link l JOIN lineage o ON o.run_id = l.run_id WHERE l.target");
            statement.bind_texts(dialect, &Vec::from_iter(absent.iter().map(String::as_str)));
            statement.push(" AND l.kind = 4 GROUP BY l.target, o.experiment_id");
            for row in tx.all::<CopyRow>(statement).await? {
                around.copies.entry(row.target.clone()).or_default().push(row);
            }
        }
        Ok(around)
    }

    fn named(&self, (experiment, name): Name<'_>) -> Option<&NamedRow> {
        self.named.get(name).filter(|row| row.subject.experiment_id == experiment)
    }

    fn sharing(&self, (experiment, name): Name<'_>) -> Option<&SharingRow> {
        self.sharing.get(name)?.iter().find(|row| row.experiment_id == experiment)
    }

    fn copy(&self, (experiment, name): Name<'_>) -> Option<i64> {
        self.copies.get(name)?.iter().find(|row| row.experiment_id == experiment).map(|row| row.run_id)
    }

    fn is_copied(&self, name: Name<'_>) -> bool {
        self.sharing(name).is_some_and(|row| row.kind == LinkKind::Copy as i64)
    }
}

/// What trainings are made of: runs that are looked at, ids, and trainings as they were.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Place<'a> {
    Run(i64),
    Training(i64),
    Name(Name<'a>),
}

/// Places that belong together (a disjoint-set forest).
#[derive(Default)]
struct Sets<'a> {
    numbers: HashMap<Place<'a>, usize>,
    above: Vec<usize>,
    /// The least id of a run in the set, at its root.
    least: Vec<i64>,
}

impl<'a> Sets<'a> {
    fn root(&mut self, place: Place<'a>) -> usize {
        let new = self.above.len();
        let mut number = *self.numbers.entry(place).or_insert(new);
        if number == new {
            self.above.push(new);
            // A training is named by its least run.
            self.least.push(match place {
                Place::Run(id) | Place::Training(id) => id,
                Place::Name(_) => i64::MAX,
            });
        }
        while self.above[number] != number {
            self.above[number] = self.above[self.above[number]];
            number = self.above[number];
        }
        number
    }

    fn join(&mut self, one: Place<'a>, other: Place<'a>) {
        let (one, other) = (self.root(one), self.root(other));
        self.above[other] = one;
        self.least[one] = self.least[one].min(self.least[other]);
    }

    /// The name of the training that a place is in.
    fn training(&mut self, place: Place<'a>) -> i64 {
        let root = self.root(place);
        self.least[root]
    }

    /// Trainings that have another name from now on, with it.
    fn renamed(&mut self) -> Vec<(i64, i64)> {
        let trainings = self.numbers.keys().filter_map(|place| match place {
            Place::Training(id) => Some(*id),
            Place::Run(_) | Place::Name(_) => None,
        });
        let trainings = Vec::from_iter(trainings.collect::<BTreeSet<i64>>());
        let pairs = trainings.into_iter().map(|id| (id, self.training(Place::Training(id))));
        pairs.filter(|(old, new)| old != new).collect()
    }
}

/// Rows of `lineage` to write.
#[derive(Default)]
pub(super) struct Rows {
    renamed: Vec<(i64, i64)>,
    subjects: Vec<Subject>,
    trainings: Vec<i64>,
    parents: Vec<Option<i64>>,
    prepared: Vec<bool>,
    origins: Vec<Option<String>>,
    /// Runs of other trainings that are known to be copied from now on.
    copied: Vec<i64>,
}

impl Rows {
    fn add(&mut self, subject: &Subject, training: i64, parent: Option<i64>, prepared: bool, origin: Option<String>) {
        self.subjects.push(subject.clone());
        self.trainings.push(training);
        self.parents.push(parent);
        self.prepared.push(prepared);
        self.origins.push(origin);
    }

    /// Writes them; answers the runs that may be in another training now.
    pub async fn write(self, tx: &mut Tx) -> Result<Vec<i64>> {
        let mut moved: Vec<i64> = self.subjects.iter().map(|subject| subject.id).collect();
        if !self.renamed.is_empty() {
            let mut statement = sql("WITH renamed (old, new) AS (");
            statement.bind_pairs(tx.dialect(), &self.renamed).push(
                ") UPDATE lineage SET training_id = renamed.new FROM renamed WHERE lineage.training_id = renamed.old \
                 RETURNING run_id",
            );
            moved.extend(tx.all::<(i64,)>(statement).await?.into_iter().map(|(id,)| id));
        }
        let int = |field: fn(&Subject) -> i64| Column::Int(self.subjects.iter().map(field).collect());
        let columns = vec![
            int(|subject| subject.id),
            int(|subject| subject.experiment_id),
            int(|subject| subject.start_ms),
            Column::Int(self.trainings),
            Column::OptInt(self.parents),
            Column::Bool(self.prepared),
            Column::OptText(self.origins),
        ];
        let head = "INSERT INTO lineage (run_id, experiment_id, start_ms, training_id, parent_id, prepared, origin)";
        let tail = "ON CONFLICT (run_id) DO UPDATE SET training_id = excluded.training_id, \
                    parent_id = excluded.parent_id, prepared = excluded.prepared, origin = excluded.origin";
        tx.insert(head, Columns(columns), tail).await?;
        if !self.copied.is_empty() {
            let mut statement: Sql =
                sql("UPDATE lineage SET origin = (SELECT r.public_id FROM run r WHERE r.id = lineage.run_id)
                     WHERE origin IS NULL AND run_id");
            statement.bind_ints(tx.dialect(), &self.copied);
            tx.run(statement).await?;
        }
        Ok(moved)
    }
}
