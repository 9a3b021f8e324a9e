//! Working out which runs are one training, from the links of some of them and what is around these.
//!
//! Only the runs that a change is about are looked at one by one. All others are in trainings whose runs hang together
//! already: of these only the name is needed.

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
    fn names(&self) -> BTreeSet<&str> {
        let own = self.0.values().map(|seed| &seed.subject.public_id);
        own.chain(self.0.values().flat_map(|seed| &seed.joins)).map(String::as_str).collect()
    }

    /// The trainings that come of it.
    pub fn join(&self, around: &Around) -> Rows {
        let mut sets = Sets::default();
        for (id, seed) in &self.0 {
            let place = Place::Run(*id);
            sets.join(place, Place::Name(&seed.subject.public_id));
            seed.joins.iter().for_each(|name| sets.join(place, Place::Name(name)));
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
            if let Some(found) = around.named.get(name) {
                sets.join(Place::Name(name), outside(found.subject.id, found.training_id));
            }
            if let Some(sharing) = around.sharing.get(name) {
                sets.join(Place::Name(name), outside(sharing.run_id, Some(sharing.training_id)));
            }
        }
        let mut rows = Rows { renamed: sets.renamed(), ..Rows::default() };
        let copied: BTreeSet<&str> = self.0.values().filter_map(|seed| seed.origin.as_deref()).collect();
        for (id, seed) in &self.0 {
            let nest = seed.nest.as_deref();
            let parent = nest.and_then(|name| around.named.get(name)).map(|found| found.subject.id);
            let parent = parent.or_else(|| nest.and_then(|name| around.copies.get(name).copied()));
            let own = &seed.subject.public_id;
            let is_origin = copied.contains(own.as_str()) || around.is_copied(own);
            rows.add(
                &seed.subject,
                sets.training(Place::Run(*id)),
                parent.or(seed.parent_id).filter(|parent| parent != id),
                seed.prepared,
                seed.origin.clone().or_else(|| is_origin.then(|| own.clone())),
            );
        }
        for (name, found) in around.named.iter().filter(|(_, found)| !self.0.contains_key(&found.subject.id)) {
            let is_origin = copied.contains(name.as_str());
            if found.training_id.is_none() && names.contains(name.as_str()) {
                let origin = is_origin.then(|| name.clone());
                rows.add(&found.subject, sets.training(Place::Run(found.subject.id)), None, false, origin);
            } else if is_origin {
                rows.copied.push(found.subject.id);
            }
        }
        rows
    }
}

/// What else there is of the ids that seeds name.
pub(super) struct Around {
    /// The trainings of the seeds so far.
    kept: HashMap<i64, i64>,
    /// The runs of these ids.
    named: HashMap<String, NamedRow>,
    /// For each id that other runs resume or copy, one of these.
    sharing: HashMap<String, SharingRow>,
    /// For each id that is not here, a run that is a copy of it.
    copies: HashMap<String, i64>,
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
    run_id: i64,
    kind: i64,
    training_id: i64,
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

        let nests: BTreeSet<&str> = seeds.0.values().filter_map(|seed| seed.nest.as_deref()).collect();
        let names = seeds.names();
        let mut statement = sql("SELECT r.id, r.public_id, r.experiment_id, r.start_ms, m.training_id
             FROM run r LEFT JOIN lineage m ON m.run_id = r.id WHERE r.public_id");
        statement.bind_texts(dialect, &Vec::from_iter(names.union(&nests).copied()));
        let named: Vec<NamedRow> = tx.all(statement).await?;
        let named: HashMap<String, NamedRow> =
            named.into_iter().map(|row| (row.subject.public_id.clone(), row)).collect();

        let own: BTreeSet<&str> = fresh.iter().map(|seed| seed.subject.public_id.as_str()).collect();
        let shared: Vec<&str> = names.difference(&own).copied().collect();
        let mut sharing: Vec<SharingRow> = Vec::new();
        if !shared.is_empty() {
            let mut statement = sql("SELECT s.target, s.run_id, s.kind, m.training_id
                 FROM (SELECT l.target, min(l.run_id) AS run_id, max(l.kind) AS kind FROM link l WHERE l.target");
            statement.bind_texts(dialect, &shared);
            statement.push(" AND l.kind IN (2, 4) GROUP BY l.target) s JOIN lineage m ON m.run_id = s.run_id");
            sharing = tx.all(statement).await?;
        }

        let absent: Vec<&str> = nests.into_iter().filter(|name| !named.contains_key(*name)).collect();
        let mut copies = Vec::new();
        if !absent.is_empty() {
            let mut statement = sql("SELECT target, min(run_id) FROM link WHERE target");
            statement.bind_texts(dialect, &absent).push(" AND kind = 4 GROUP BY target");
            copies = tx.all(statement).await?;
        }
        Ok(Around {
            kept: kept.into_iter().collect(),
            named,
            sharing: sharing.into_iter().map(|row| (row.target.clone(), row)).collect(),
            copies: copies.into_iter().collect(),
        })
    }

    fn is_copied(&self, name: &str) -> bool {
        self.sharing.get(name).is_some_and(|row| row.kind == LinkKind::Copy as i64)
    }
}

/// What trainings are made of: runs that are looked at, ids, and trainings as they were.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Place<'a> {
    Run(i64),
    Training(i64),
    Name(&'a str),
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
