//! Bringing links and trainings up to date with what runs say.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::LineageKeys;
use super::join::{Around, Seeds};
use crate::error::Result;
use crate::lineage::{Lineage, Link, LinkKind};
use crate::store::changes::Touched;
use crate::store::db::Tx;
use crate::store::sql::{Column, Columns, packed, sql};

/// Children that are given their parent in one statement.
const PAIRS: usize = 8_192;

/// A run whose links may have changed.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub(in crate::store) struct Subject {
    pub id: i64,
    pub public_id: String,
    pub experiment_id: i64,
    pub start_ms: i64,
    /// Whether it was created just now and no other run names it: then there is nothing to look for but what it says.
    #[sqlx(default)]
    pub is_fresh: bool,
}

/// Whether a link makes two runs one training.
pub(super) fn joins(link: &Link) -> bool {
    matches!(link.kind, LinkKind::Resume | LinkKind::Copy)
}

/// Brings the links of `subjects` up to date with their tags and params, and all that follows from them. Answers what
/// else has changed, for whoever marks changed runs: other runs that may be in another training now.
pub(in crate::store) async fn refresh(
    tx: &mut Tx,
    keys: &LineageKeys,
    subjects: Vec<Subject>,
) -> Result<BTreeMap<i64, Touched>> {
    if subjects.is_empty() {
        return Ok(BTreeMap::new());
    }
    let said = read_said(tx, keys, &subjects).await?;
    let known = subjects.iter().filter(|subject| !subject.is_fresh).map(|subject| subject.id);
    let kept = read_links(tx, &Vec::from_iter(known)).await?;
    let (mut new, mut gone, mut taken_back) = (Vec::new(), Vec::new(), Vec::new());
    for subject in &subjects {
        let says = &said[&subject.id].links;
        let had = kept.get(&subject.id).map(Vec::as_slice).unwrap_or_default();
        let lost: Vec<&Link> = had.iter().filter(|link| !says.contains(link)).collect();
        let stays = |link: &&Link| lost.is_empty() && had.contains(link);
        new.extend(says.iter().filter(|link| !stays(link)).map(|link| (subject.id, link)));
        gone.extend(lost.iter().map(|link| (subject.id, *link)));
        if lost.into_iter().any(joins) {
            taken_back.push(subject.id);
        }
    }
    remove_links(tx, &gone).await?;
    let mut seeds = Seeds::new(&subjects, &said);
    seeds.add_trainings_of(tx, &taken_back).await?;
    // Before the new links are there: any other link that names an id leads to the training that it was in.
    let around = Around::read(tx, &seeds).await?;
    insert_links(tx, &new).await?;
    let moved = seeds.join(&around).write(tx).await?;
    link_children(tx, &subjects, &said).await?;
    let info = Touched { info: true, ..Touched::default() };
    let others = moved.into_iter().filter(|run_id| !said.contains_key(run_id));
    Ok(others.map(|run_id| (run_id, info)).collect())
}

/// What the tags and params of each run say.
async fn read_said(tx: &mut Tx, keys: &LineageKeys, subjects: &[Subject]) -> Result<HashMap<i64, Lineage>> {
    let ids: Vec<i64> = subjects.iter().map(|subject| subject.id).collect();
    // A text that is longer than its head is no id.
    let mut statement = sql("SELECT run_id, key_id, head FROM tag WHERE run_id");
    statement.bind_ints(tx.dialect(), &ids).push(" AND key_id").bind_ints(tx.dialect(), &keys.tags);
    statement.push(" UNION ALL SELECT run_id, key_id, head FROM param WHERE run_id");
    statement.bind_ints(tx.dialect(), &ids).push(" AND key_id").bind_ints(tx.dialect(), &keys.params);
    let rows: Vec<(i64, i64, String)> = tx.all(statement).await?;
    let mut facts: HashMap<i64, HashMap<&str, &str>> = HashMap::new();
    for (run_id, key_id, value) in &rows {
        if let Some(name) = keys.names.get(key_id) {
            facts.entry(*run_id).or_default().insert(name, value);
        }
    }
    let nothing = HashMap::new();
    let of = |subject: &Subject| Lineage::of(&subject.public_id, facts.get(&subject.id).unwrap_or(&nothing));
    Ok(subjects.iter().map(|subject| (subject.id, of(subject))).collect())
}

/// The links of each of `runs` that has some, in order.
pub(in crate::store) async fn read_links(tx: &mut Tx, runs: &[i64]) -> Result<HashMap<i64, Vec<Link>>> {
    let mut found: HashMap<i64, Vec<Link>> = HashMap::new();
    if runs.is_empty() {
        return Ok(found);
    }
    let mut statement = packed(tx.dialect(), "run_id, kind, target");
    statement.push(" FROM link WHERE run_id").bind_ints(tx.dialect(), runs);
    let rows: Vec<(i64, i64, String)> = tx.unpack(statement).await?;
    for (run_id, kind, target) in rows {
        if let Some(kind) = LinkKind::from_number(kind) {
            found.entry(run_id).or_default().push(Link { kind, target });
        }
    }
    found.values_mut().for_each(|links| links.sort());
    Ok(found)
}

/// Removes all links of runs that have one in `gone`; those that stay are inserted again.
async fn remove_links(tx: &mut Tx, gone: &[(i64, &Link)]) -> Result<()> {
    if gone.is_empty() {
        return Ok(());
    }
    let runs = Vec::from_iter(gone.iter().map(|(run_id, _)| *run_id).collect::<BTreeSet<i64>>());
    // What was nested in a run by an id that it was a copy of is nested in nothing that is here.
    let copied = gone.iter().filter(|(_, link)| link.kind == LinkKind::Copy);
    let copied = Vec::from_iter(copied.map(|(_, link)| link.target.as_str()).collect::<BTreeSet<&str>>());
    if !copied.is_empty() {
        let mut statement = sql("UPDATE lineage SET parent_id = NULL WHERE parent_id");
        statement.bind_ints(tx.dialect(), &runs);
        statement.push(" AND run_id IN (SELECT l.run_id FROM link l WHERE l.kind = 1 AND l.target");
        statement.bind_texts(tx.dialect(), &copied).push(")");
        tx.run(statement).await?;
    }
    let mut statement = sql("DELETE FROM link WHERE run_id");
    statement.bind_ints(tx.dialect(), &runs);
    tx.run(statement).await.map(drop)
}

async fn insert_links(tx: &mut Tx, new: &[(i64, &Link)]) -> Result<()> {
    let columns = vec![
        Column::Int(new.iter().map(|(run_id, _)| *run_id).collect()),
        Column::Int(new.iter().map(|(_, link)| link.kind as i64).collect()),
        Column::Text(new.iter().map(|(_, link)| link.target.clone()).collect()),
    ];
    tx.insert("INSERT INTO link (run_id, kind, target)", Columns(columns), "").await.map(drop)
}

/// Nests in `subjects` what waits for them: children that arrived before their parent, or that name it by the id that it
/// is a copy of.
async fn link_children(tx: &mut Tx, subjects: &[Subject], said: &HashMap<i64, Lineage>) -> Result<()> {
    let named = subjects.iter().filter(|subject| !subject.is_fresh);
    let named: HashMap<&str, i64> = named.map(|subject| (subject.public_id.as_str(), subject.id)).collect();
    let mut copies: HashMap<(i64, &str), i64> = HashMap::new();
    for subject in subjects {
        for link in said[&subject.id].links.iter().filter(|link| link.kind == LinkKind::Copy) {
            copies.entry((subject.experiment_id, &link.target)).or_insert(subject.id);
        }
    }
    let ids: BTreeSet<&str> = named.keys().copied().chain(copies.keys().map(|(_, name)| *name)).collect();
    if ids.is_empty() {
        return Ok(());
    }
    let mut statement =
        sql("SELECT l.run_id, m.experiment_id, l.target FROM link l JOIN lineage m ON m.run_id = l.run_id
         WHERE l.kind = 1 AND m.parent_id IS NULL AND l.target");
    statement.bind_texts(tx.dialect(), &Vec::from_iter(ids));
    let waiting: Vec<(i64, i64, String)> = tx.all(statement).await?;
    // The run itself comes before its copies, which count in their own experiment.
    let parent = |(child, experiment, name): &(i64, i64, String)| {
        let parent = named.get(name.as_str()).or_else(|| copies.get(&(*experiment, name.as_str())));
        parent.map(|parent| (*child, *parent))
    };
    let pairs: Vec<(i64, i64)> = waiting.iter().filter_map(parent).collect();
    for part in pairs.chunks(PAIRS) {
        let mut statement = sql("WITH found (run_id, parent_id) AS (");
        statement.bind_pairs(tx.dialect(), part).push(
            ") UPDATE lineage SET parent_id = found.parent_id FROM found \
             WHERE lineage.run_id = found.run_id AND lineage.run_id <> found.parent_id",
        );
        tx.run(statement).await?;
    }
    Ok(())
}
