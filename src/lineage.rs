//! What the tags and params of a run say about other runs: that it resumes one, forks from it, is nested in it, is a copy
//! of it (`anemoi.md` section 3, and `mlflow.parentRunId` for everyone).
//!
//! Ids are taken as they are: whether the other run is here, was here, or never will be is not asked. A run that names
//! itself says nothing, as Anemoi's sync makes of a child that arrives before its parent; there the id that the parent
//! had where it was trained is left, and taken instead.

use std::collections::HashMap;

/// How a run is linked to another one. The numbers are those of the table `link`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LinkKind {
    /// It is a child of the other, as one of a sweep.
    Nest = 1,
    /// It goes on with the training of the other.
    Resume = 2,
    /// It began with the weights of the other, and is a training of its own.
    Fork = 3,
    /// It holds what the other held, under another id.
    Copy = 4,
}

impl LinkKind {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            LinkKind::Nest => "nest",
            LinkKind::Resume => "resume",
            LinkKind::Fork => "fork",
            LinkKind::Copy => "copy",
        }
    }

    /// The kind of this number, if there is one.
    pub fn from_number(number: i64) -> Option<Self> {
        [LinkKind::Nest, LinkKind::Resume, LinkKind::Fork, LinkKind::Copy]
            .into_iter()
            .find(|kind| *kind as i64 == number)
    }
}

/// A link of a run to another one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Link {
    /// What kind.
    pub kind: LinkKind,
    /// The public id of the other run, which need not exist.
    pub target: String,
}

/// What a run's tags and params say about its place among others.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Lineage {
    /// Its links, in order, each once.
    pub links: Vec<Link>,
    /// Whether it only reserved its id (`anemoi-training mlflow prepare`), so that no training happened in it.
    pub prepared: bool,
    /// The id of the run that it is a copy of, where it was first trained.
    pub origin: Option<String>,
}

/// The tags that [`Lineage::of`] reads.
pub const TAGS: [&str; 9] = [
    "mlflow.parentRunId",
    "resumedRun",
    "forkedRun",
    "forkedRunId",
    "dry_run",
    "mlflow.offline.parentRunId",
    "offline.forkedRunId",
    "mlflow.server2server.parentRunId",
    "server2server.forkedRunId",
];

/// The params that [`Lineage::of`] reads.
pub const PARAMS: [&str; 11] = [
    "config.training.run_id",
    "training.run_id",
    "metadata.run_id",
    "config.training.fork_run_id",
    "training.fork_run_id",
    "metadata.offline_run_id",
    "metadata.server2server_run_id",
    "config.training.offline_run_id",
    "config.training.server2server_run_id",
    "config.training.offline_self_run_id",
    "config.training.server2server_self_run_id",
];

/// Ids are longer nowhere; what is longer is no id.
const LONGEST_ID: usize = 64;

/// Whether a tag of this name can change what [`Lineage::of`] answers.
pub fn is_about_tag(key: &str) -> bool {
    TAGS.contains(&key)
}

/// Whether this param of the run `run_id` can change what [`Lineage::of`] answers. Every run of Anemoi has most of the
/// params, with its own id or none, and says nothing by it.
pub fn is_about_param(run_id: &str, key: &str, value: &str) -> bool {
    PARAMS.contains(&key) && id(value).is_some_and(|other| other != run_id)
}

/// The id that a text is, if it is one.
fn id(text: &str) -> Option<&str> {
    let plain = |character: char| character.is_ascii_alphanumeric() || character == '-' || character == '_';
    let is_id = !text.is_empty() && text.len() <= LONGEST_ID && text.chars().all(plain);
    // What Python and JSON write for no value, and for a mark that stands in the wrong place.
    (is_id && !["None", "none", "null", "True", "False", "true", "false"].contains(&text)).then_some(text)
}

impl Lineage {
    /// Reads the lineage of the run `run_id` from those of its tags and params that [`TAGS`] and [`PARAMS`] name; names
    /// of both kinds are distinct. Nothing depends on the order in which they were logged.
    pub fn of(run_id: &str, facts: &HashMap<&str, &str>) -> Self {
        let other = |key: &str| facts.get(key).and_then(|value| id(value)).filter(|other| *other != run_id);
        let first = |keys: &[&str]| keys.iter().find_map(|key| other(key));
        let says = |key: &str| facts.get(key).is_some_and(|value| value.eq_ignore_ascii_case("true"));

        let mut links = Vec::new();
        let mut link = |kind, target: &str| links.push(Link { kind, target: target.to_owned() });
        let synced = [
            "config.training.offline_self_run_id",
            "config.training.server2server_self_run_id",
            "metadata.offline_run_id",
            "metadata.server2server_run_id",
        ];
        let was_synced = first(&synced).is_some();
        let named = first(&["config.training.run_id", "training.run_id", "metadata.run_id"]);
        let parent = first(&["mlflow.parentRunId", "mlflow.offline.parentRunId", "mlflow.server2server.parentRunId"]);
        let mut resumes = true;
        match (parent, named) {
            (Some(parent), named) if says("resumedRun") || named == Some(parent) => link(LinkKind::Resume, parent),
            (Some(parent), _) => {
                resumes = false;
                link(LinkKind::Nest, parent);
            }
            // Its tags may be still to come, or were never copied.
            (None, Some(named)) if says("resumedRun") || was_synced => link(LinkKind::Resume, named),
            (None, named) => {
                resumes = false;
                // Whoever copies a run and knows nothing of Anemoi leaves its params as they were: it names itself by
                // the id that it had.
                let own = other("metadata.run_id");
                if own.is_some() && own == named {
                    own.iter().for_each(|own| link(LinkKind::Copy, own));
                }
            }
        }
        let forked = first(&["forkedRunId", "offline.forkedRunId", "server2server.forkedRunId"]);
        let forked = forked.or_else(|| first(&["config.training.fork_run_id", "training.fork_run_id"]));
        if let Some(forked) = forked {
            link(LinkKind::Fork, forked);
        }
        // A synced child has the old id of its parent where other runs have their own, and its own elsewhere.
        let plain = |keys: &[&str]| if resumes { None } else { first(keys) };
        let offline = other("config.training.offline_self_run_id")
            .or_else(|| plain(&["metadata.offline_run_id", "config.training.offline_run_id"]));
        let server = other("config.training.server2server_self_run_id")
            .or_else(|| plain(&["metadata.server2server_run_id", "config.training.server2server_run_id"]));
        [offline, server].into_iter().flatten().for_each(|origin| link(LinkKind::Copy, origin));
        links.sort();
        links.dedup();
        // What came from offline by way of another server was first trained offline.
        let copied = || links.iter().find(|link| link.kind == LinkKind::Copy).map(|link| link.target.clone());
        let origin = offline.or(server).map(str::to_owned).or_else(copied);
        Lineage { links, prepared: says("dry_run"), origin }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lineage(facts: &[(&str, &str)]) -> Lineage {
        Lineage::of("own", &facts.iter().copied().collect())
    }

    fn links(facts: &[(&str, &str)]) -> Vec<(LinkKind, String)> {
        lineage(facts).links.into_iter().map(|link| (link.kind, link.target)).collect()
    }

    fn one(kind: LinkKind, target: &str) -> Vec<(LinkKind, String)> {
        vec![(kind, target.to_owned())]
    }

    #[test]
    fn a_new_run_has_no_links() {
        let facts = [
            ("config.training.run_id", "own"),
            ("metadata.run_id", "own"),
            ("config.training.fork_run_id", "None"),
            ("training.run_id", ""),
        ];

        assert_eq!(lineage(&facts), Lineage::default());
        assert!(facts.iter().all(|(key, value)| !is_about_param("own", key, value)));
    }

    #[test]
    fn a_child_without_the_tag_of_a_resume_is_nested() {
        assert_eq!(links(&[("mlflow.parentRunId", "p")]), one(LinkKind::Nest, "p"));
    }

    #[test]
    fn a_resumed_run_is_known_by_its_tag_or_by_its_params() {
        let params = [("config.training.run_id", "p"), ("metadata.run_id", "p")];
        let tags = [("mlflow.parentRunId", "p"), ("resumedRun", "True")];

        assert_eq!(links(&tags), one(LinkKind::Resume, "p"));
        assert_eq!(links(&[tags[0], params[0]]), one(LinkKind::Resume, "p"));
        assert_eq!(links(&[&tags[..], &params[..]].concat()), one(LinkKind::Resume, "p"));
        assert_eq!(links(&[tags[1], params[0]]), one(LinkKind::Resume, "p"));
    }

    #[test]
    fn a_fork_is_no_child() {
        let tags = [("forkedRun", "True"), ("forkedRunId", "f")];
        let params = [("config.training.run_id", "own"), ("config.training.fork_run_id", "f")];

        assert_eq!(links(&tags), one(LinkKind::Fork, "f"));
        assert_eq!(links(&params), one(LinkKind::Fork, "f"));
        assert_eq!(links(&[&tags[..], &params[..]].concat()), one(LinkKind::Fork, "f"));
    }

    #[test]
    fn a_fork_into_a_prepared_run_has_both_links() {
        let facts = [
            ("mlflow.parentRunId", "d"),
            ("resumedRun", "True"),
            ("forkedRun", "True"),
            ("forkedRunId", "f"),
            ("config.training.run_id", "d"),
        ];

        assert_eq!(links(&facts), [(LinkKind::Resume, "d".to_owned()), (LinkKind::Fork, "f".to_owned())]);
    }

    #[test]
    fn a_dry_run_is_prepared() {
        let prepared = lineage(&[("dry_run", "True"), ("training.run_id", "None")]);

        assert_eq!(prepared, Lineage { prepared: true, ..Lineage::default() });
    }

    #[test]
    fn a_synced_run_is_a_copy_of_what_was_trained_offline() {
        for source in ["offline", "server2server"] {
            let (metadata, config) = (format!("metadata.{source}_run_id"), format!("config.training.{source}_run_id"));
            let facts = [(metadata.as_str(), "old"), (config.as_str(), "old"), ("config.training.run_id", "own")];

            let synced = lineage(&facts);

            assert_eq!(synced.origin.as_deref(), Some("old"));
            assert_eq!(links(&facts), one(LinkKind::Copy, "old"));
        }
    }

    #[test]
    fn a_synced_child_is_a_copy_of_itself_and_resumes_the_synced_parent() {
        let facts = [
            ("mlflow.parentRunId", "p"),
            ("mlflow.offline.parentRunId", "old-p"),
            ("resumedRun", "True"),
            ("config.training.run_id", "p"),
            ("metadata.run_id", "p"),
            ("metadata.offline_run_id", "old-p"),
            ("config.training.offline_self_run_id", "old"),
        ];
        let before_its_tags = &facts[3..];

        for facts in [&facts[..], before_its_tags] {
            assert_eq!(links(facts), [(LinkKind::Resume, "p".to_owned()), (LinkKind::Copy, "old".to_owned())]);
        }
        assert_eq!(lineage(&facts).origin.as_deref(), Some("old"));
        // Of an older sync, its own old id is not known; that of the parent is not taken for it.
        assert_eq!(links(&facts[..6]), one(LinkKind::Resume, "p"));
    }

    #[test]
    fn a_child_that_was_made_its_own_parent_resumes_what_it_resumed_offline() {
        let facts = [
            ("mlflow.parentRunId", "own"),
            ("mlflow.offline.parentRunId", "old-p"),
            ("resumedRun", "True"),
            ("metadata.run_id", "own"),
        ];

        assert_eq!(links(&facts), one(LinkKind::Resume, "old-p"));
        assert_eq!(links(&[("mlflow.parentRunId", "own")]), []);
    }

    #[test]
    fn a_synced_fork_is_a_fork_of_the_synced_origin() {
        let facts = [
            ("forkedRunId", "f"),
            ("offline.forkedRunId", "old-f"),
            ("config.training.fork_run_id", "f"),
            ("config.training.offline_fork_run_id", "old-f"),
            ("metadata.offline_run_id", "old"),
        ];

        assert_eq!(links(&facts), [(LinkKind::Fork, "f".to_owned()), (LinkKind::Copy, "old".to_owned())]);
    }

    #[test]
    fn what_came_by_way_of_another_server_is_a_copy_of_both() {
        let synced = lineage(&[("metadata.offline_run_id", "x"), ("metadata.server2server_run_id", "y")]);

        assert_eq!(synced.origin.as_deref(), Some("x"));
        assert_eq!(synced.links.len(), 2);
    }

    #[test]
    fn a_run_that_a_plain_tool_copied_names_itself_by_its_old_id() {
        let copied = lineage(&[("config.training.run_id", "old"), ("metadata.run_id", "old")]);

        assert_eq!(copied.links, [Link { kind: LinkKind::Copy, target: "old".to_owned() }]);
        assert_eq!(copied.origin.as_deref(), Some("old"));
        assert_eq!(links(&[("training.run_id", "old")]), [], "one param alone may be anyone's");
    }

    #[test]
    fn what_is_no_id_is_no_link() {
        for text in ["", "None", "null", "True", "a b", "../x", "é", &"x".repeat(65)] {
            assert_eq!(links(&[("mlflow.parentRunId", text), ("forkedRunId", text)]), [], "{text:?}");
        }
    }
}
