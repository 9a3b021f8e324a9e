//! The runs of a training, and what each of them is in it.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Deserializer};

use crate::error::Result;
use crate::model::{Caller, Lifecycle, RunStatus};
use crate::store::db::Tx;
use crate::store::runs::lifecycle;
use crate::store::sql::packed;

/// A run as part of a training.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(in crate::store) struct Member {
    pub id: i64,
    pub public_id: String,
    pub experiment_id: i64,
    pub name: String,
    pub user_id: String,
    pub status: i64,
    pub start_ms: i64,
    pub end_ms: Option<i64>,
    pub deleted_ms: Option<i64>,
    pub training_id: i64,
    #[serde(deserialize_with = "flag")]
    pub prepared: bool,
    /// The id of the run that it is a copy of, which may be its own.
    pub origin: Option<String>,
}

impl Member {
    pub fn lifecycle(&self) -> Lifecycle {
        lifecycle(self.deleted_ms)
    }

    /// Whether it holds what another run held first.
    pub fn is_copy(&self) -> bool {
        self.origin.as_ref().is_some_and(|origin| *origin != self.public_id)
    }

    /// The order of attempts (`storage.md`, "Joined series").
    fn order(&self) -> (i64, &str) {
        (self.start_ms, &self.public_id)
    }

    /// Which of several copies of one origin stands for all: the origin itself, else one that arrived whole, else the
    /// newest. The greatest does.
    fn standing(&self) -> (bool, bool, i64, &str) {
        (!self.is_copy(), self.status == RunStatus::Finished as i64, self.start_ms, &self.public_id)
    }
}

/// A run of a training that a part of the training happened in, with the copies that it stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::store) struct Attempt {
    pub run: Member,
    pub copies: Vec<Member>,
}

/// A run and all that resumed it, judged.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(in crate::store) struct Training {
    /// Runs that only reserved an id, by start.
    pub prepared: Vec<Member>,
    /// The attempts, by start.
    pub attempts: Vec<Attempt>,
}

impl Training {
    /// Judges what each of the runs of one training is in it.
    pub fn of(members: Vec<Member>) -> Self {
        let mut training = Training::default();
        let mut copies: BTreeMap<String, Vec<Member>> = BTreeMap::new();
        for member in members {
            match &member.origin {
                _ if member.prepared => training.prepared.push(member),
                Some(origin) => copies.entry(origin.clone()).or_default().push(member),
                None => training.attempts.push(Attempt { run: member, copies: Vec::new() }),
            }
        }
        for mut copies in copies.into_values() {
            copies.sort_by(|one, other| other.standing().cmp(&one.standing()));
            let run = copies.remove(0);
            training.attempts.push(Attempt { run, copies });
        }
        training.prepared.sort_by(|one, other| one.order().cmp(&other.order()));
        training.attempts.sort_by(|one, other| one.run.order().cmp(&other.run.order()));
        training
    }

    /// All runs: prepared ones, then each attempt with its copies.
    pub fn members(&self) -> impl Iterator<Item = &Member> {
        let attempts = self.attempts.iter().flat_map(|attempt| std::iter::once(&attempt.run).chain(&attempt.copies));
        self.prepared.iter().chain(attempts)
    }

    /// The run whose id names the training to people: the first attempt, else the first that was prepared.
    pub fn first(&self) -> Option<&Member> {
        self.attempts.first().map(|attempt| &attempt.run).or(self.prepared.first())
    }
}

/// The runs of the trainings that `runs` are in, by the training's internal id. Runs that the caller may not see are
/// left out; those in the trash are not.
pub(in crate::store) async fn read_members(
    tx: &mut Tx,
    caller: &Caller,
    runs: &[i64],
) -> Result<HashMap<i64, Vec<Member>>> {
    let mut found: HashMap<i64, Vec<Member>> = HashMap::new();
    if runs.is_empty() {
        return Ok(found);
    }
    let mut statement = packed(
        tx.dialect(),
        "r.id, r.public_id, r.experiment_id, r.name, r.user_id, r.status, r.start_ms, r.end_ms, r.deleted_ms,
         coalesce(m.training_id, r.id), CASE WHEN m.prepared THEN 1 ELSE 0 END, m.origin",
    );
    statement.push(
        " FROM run r LEFT JOIN lineage m ON m.run_id = r.id WHERE r.id IN ( \
             SELECT o.run_id FROM lineage o \
             WHERE o.training_id IN (SELECT t.training_id FROM lineage t WHERE t.run_id",
    );
    statement.bind_ints(tx.dialect(), runs).push(") UNION SELECT n.id FROM run n WHERE n.id");
    statement.bind_ints(tx.dialect(), runs).push(")").visible_to(caller, "r.experiment_id");
    for member in tx.unpack::<Member>(statement).await? {
        found.entry(member.training_id).or_default().push(member);
    }
    Ok(found)
}

/// A flag that is 0 or 1.
fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<bool, D::Error> {
    Ok(i64::deserialize(deserializer)? != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(id: i64, start_ms: i64, origin: Option<&str>) -> Member {
        Member {
            id,
            public_id: format!("r{id}"),
            experiment_id: 0,
            name: String::new(),
            user_id: String::new(),
            status: RunStatus::Finished as i64,
            start_ms,
            end_ms: None,
            deleted_ms: None,
            training_id: 1,
            prepared: false,
            origin: origin.map(str::to_owned),
        }
    }

    fn ids(training: &Training) -> Vec<(i64, Vec<i64>)> {
        let copies = |attempt: &Attempt| attempt.copies.iter().map(|copy| copy.id).collect();
        training.attempts.iter().map(|attempt| (attempt.run.id, copies(attempt))).collect()
    }

    #[test]
    fn attempts_are_ordered_by_start_and_then_by_id() {
        let prepared = Member { prepared: true, ..member(4, 0, None) };

        let training = Training::of(vec![member(3, 20, None), member(2, 10, None), member(1, 20, None), prepared]);

        assert_eq!(ids(&training), [(2, vec![]), (1, vec![]), (3, vec![])]);
        assert_eq!(training.prepared[0].id, 4);
        assert_eq!(training.members().map(|member| member.id).collect::<Vec<_>>(), [4, 2, 1, 3]);
        assert_eq!(training.first().map(|first| first.id), Some(2));
    }

    #[test]
    fn of_several_copies_the_newest_whole_one_stands_for_all() {
        let torn = Member { status: RunStatus::Failed as i64, ..member(3, 30, Some("x")) };

        let training = Training::of(vec![member(1, 10, Some("x")), torn, member(2, 20, Some("x"))]);

        assert_eq!(ids(&training), [(2, vec![1, 3])]);
        assert!(training.attempts[0].run.is_copy());
    }

    #[test]
    fn an_origin_stands_for_its_copies() {
        let training = Training::of(vec![member(1, 10, Some("r1")), member(2, 20, Some("r1")), member(3, 5, None)]);

        assert_eq!(ids(&training), [(3, vec![]), (1, vec![2])]);
    }
}
