//! What each dialect has: its entities and keys, and for each field the comparators and values that fit it.
//!
//! Texts are the contract's (section 6), without the place in the filter; the parser adds that.

use std::fmt;

use crate::validate::excerpt;

use super::ast::{
    Comparator, DatasetAttribute, ExperimentAttribute, ExperimentField, ModelAttribute, ModelField, RunAttribute,
    RunField,
};

/// The field of a dialect: runs or experiments.
pub trait Field: fmt::Display + Clone + PartialEq + Sized {
    /// What errors say was expected where a field should be.
    const EXPECTED: &'static str;

    /// The field that `key` of `entity`, or the bare attribute `key`, stands for.
    ///
    /// # Errors
    /// The text that says why there is none.
    fn resolve(entity: Option<&str>, key: &str) -> Result<Self, String>;

    /// What it can be compared with.
    fn rule(&self) -> Rule;

    /// Why it cannot be compared with NULL, where [`rule`](Self::rule) does not have that.
    fn null_refusal(&self) -> String;

    /// Why it cannot be ordered by, if it cannot.
    fn order_refusal(&self) -> Option<&'static str>;
}

/// What a field can be compared with.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// The comparators that fit.
    pub comparators: &'static [Comparator],
    /// The values that fit.
    pub values: Values,
}

impl Rule {
    /// Whether a comparison by `comparator` can be right: to be in a list, the field must be one that takes lists.
    pub fn takes(&self, comparator: Comparator) -> bool {
        let lists = matches!(self.values, Values::Text { lists: Lists::Allowed, .. } | Values::Id);
        let wants_list = matches!(comparator, Comparator::In | Comparator::NotIn);
        self.comparators.contains(&comparator) && (lists || !wants_list)
    }
}

/// A kind of values, with the words of the error for others.
#[derive(Debug, Clone, Copy)]
pub enum Values {
    /// Numbers. `noun` completes "Expected numeric value type for".
    Number {
        /// What is compared.
        noun: &'static str,
    },
    /// Times. `name` is the attribute.
    Time {
        /// What is compared.
        name: &'static str,
        /// Whether a number that is no 64-bit integer is refused.
        integers_only: bool,
    },
    /// Quoted texts. `noun` completes "Expected a quoted string value for".
    Text {
        /// What is compared.
        noun: &'static str,
        /// Whether a list of them does too.
        lists: Lists,
    },
    /// Quoted integers and lists of them.
    Id,
}

/// Whether texts are compared with lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lists {
    /// They are.
    Allowed,
    /// No attribute is, but the one of this name.
    OnlyFor(&'static str),
    /// They are not.
    Refused,
}

const NUMERIC: &[Comparator] =
    &[Comparator::Gt, Comparator::Ge, Comparator::Eq, Comparator::NotEq, Comparator::Lt, Comparator::Le];
const TEXT: &[Comparator] = &[Comparator::Eq, Comparator::NotEq, Comparator::Like, Comparator::ILike];
const TEXT_OR_LIST: &[Comparator] =
    &[Comparator::Eq, Comparator::NotEq, Comparator::Like, Comparator::ILike, Comparator::In, Comparator::NotIn];
const TEXT_OR_NULL: &[Comparator] = &[
    Comparator::Eq,
    Comparator::NotEq,
    Comparator::Like,
    Comparator::ILike,
    Comparator::IsNull,
    Comparator::IsNotNull,
];
const ID: &[Comparator] = &[Comparator::Eq, Comparator::NotEq, Comparator::In, Comparator::NotIn];

const PARAM: Rule = Rule {
    comparators: TEXT_OR_NULL,
    values: Values::Text { noun: "parameter (e.g. 'my-value')", lists: Lists::Refused },
};
const TAG: Rule =
    Rule { comparators: TEXT_OR_NULL, values: Values::Text { noun: "tag (e.g. 'my-value')", lists: Lists::Refused } };

/// The entities of runs, each by the plainest of its names.
pub(super) const RUN_ENTITIES: [&str; 5] = ["metrics", "params", "tags", "attributes", "dataset"];

impl Field for RunField {
    const EXPECTED: &'static str = "a field such as metrics.rmse";

    fn resolve(entity: Option<&str>, key: &str) -> Result<Self, String> {
        match entity {
            Some("metric" | "metrics") => Ok(RunField::Metric(key.to_owned())),
            Some("parameter" | "param" | "params" | "parameters") => Ok(RunField::Param(key.to_owned())),
            Some("tag" | "tags") => Ok(RunField::Tag(key.to_owned())),
            None | Some("attribute" | "attr" | "attributes" | "run") => match run_attribute(key) {
                Some(attribute) => Ok(RunField::Attribute(attribute)),
                None => Err(invalid_key("attribute", key, RunAttribute::ALL.iter().map(|valid| valid.as_str()))),
            },
            Some("dataset" | "datasets") => match DatasetAttribute::from_name(key) {
                Some(attribute) => Ok(RunField::Dataset(attribute)),
                None => Err(invalid_key("dataset", key, DatasetAttribute::ALL.iter().map(|valid| valid.as_str()))),
            },
            Some(other) => Err(invalid_entity(other, "['metric', 'parameter', 'tag', 'attribute', 'dataset']")),
        }
    }

    fn rule(&self) -> Rule {
        match self {
            RunField::Metric(_) => Rule { comparators: NUMERIC, values: Values::Number { noun: "metric" } },
            RunField::Param(_) => PARAM,
            RunField::Tag(_) => TAG,
            RunField::Attribute(attribute @ (RunAttribute::StartTime | RunAttribute::EndTime)) => {
                Rule { comparators: NUMERIC, values: Values::Time { name: attribute.as_str(), integers_only: false } }
            }
            RunField::Attribute(attribute) => Rule {
                comparators: TEXT_OR_LIST,
                values: Values::Text {
                    noun: "attributes",
                    lists: match attribute {
                        RunAttribute::RunId => Lists::Allowed,
                        _ => Lists::OnlyFor(RunAttribute::RunId.as_str()),
                    },
                },
            },
            RunField::Dataset(_) => Rule {
                comparators: TEXT_OR_LIST,
                values: Values::Text { noun: "dataset attributes", lists: Lists::Allowed },
            },
        }
    }

    fn null_refusal(&self) -> String {
        let (entity, key) = match self {
            RunField::Metric(key) => ("metric", key.as_str()),
            RunField::Param(key) => ("parameter", key.as_str()),
            RunField::Tag(key) => ("tag", key.as_str()),
            RunField::Attribute(attribute) => ("attribute", attribute.as_str()),
            RunField::Dataset(attribute) => ("dataset", attribute.as_str()),
        };
        format!("IS NULL / IS NOT NULL is only supported for tags and params, not for '{entity}' '{}'", excerpt(key))
    }

    fn order_refusal(&self) -> Option<&'static str> {
        matches!(self, RunField::Dataset(_)).then_some("Invalid identifier type 'dataset'")
    }
}

/// The run attribute of this name, or of one of the other names that the columns of MLflow's UI have or had.
fn run_attribute(name: &str) -> Option<RunAttribute> {
    match name {
        "run name" | "Run name" | "Run Name" => Some(RunAttribute::RunName),
        "created" | "Created" => Some(RunAttribute::StartTime),
        _ => RunAttribute::from_name(name),
    }
}

impl Field for ExperimentField {
    const EXPECTED: &'static str = "a field such as name";

    fn resolve(entity: Option<&str>, key: &str) -> Result<Self, String> {
        match entity {
            Some("tag" | "tags") => Ok(ExperimentField::Tag(key.to_owned())),
            None | Some("attribute" | "attributes") => match ExperimentAttribute::from_name(key) {
                Some(attribute) => Ok(ExperimentField::Attribute(attribute)),
                None => Err(invalid_key("attribute", key, ExperimentAttribute::ALL.iter().map(|valid| valid.as_str()))),
            },
            Some(other) => Err(invalid_entity(other, "['attribute', 'tag']")),
        }
    }

    fn rule(&self) -> Rule {
        match self {
            ExperimentField::Tag(_) => TAG,
            ExperimentField::Attribute(ExperimentAttribute::Name) => Rule {
                comparators: TEXT,
                values: Values::Text {
                    noun: "attributes",
                    lists: Lists::OnlyFor(ExperimentAttribute::ExperimentId.as_str()),
                },
            },
            ExperimentField::Attribute(ExperimentAttribute::ExperimentId) => {
                Rule { comparators: ID, values: Values::Id }
            }
            ExperimentField::Attribute(
                attribute @ (ExperimentAttribute::CreationTime | ExperimentAttribute::LastUpdateTime),
            ) => Rule { comparators: NUMERIC, values: Values::Time { name: attribute.as_str(), integers_only: true } },
        }
    }

    fn null_refusal(&self) -> String {
        let (entity, key) = match self {
            ExperimentField::Attribute(attribute) => ("attribute", attribute.as_str()),
            ExperimentField::Tag(key) => ("tag", key.as_str()),
        };
        format!("IS NULL / IS NOT NULL is only supported for tags, not for {entity} '{}'", excerpt(key))
    }

    fn order_refusal(&self) -> Option<&'static str> {
        matches!(self, ExperimentField::Tag(_)).then_some("Invalid order_by entity: tag")
    }
}

impl Field for ModelField {
    const EXPECTED: &'static str = "a field such as metrics.rmse";

    fn resolve(entity: Option<&str>, key: &str) -> Result<Self, String> {
        match entity {
            Some("metrics") => Ok(ModelField::Metric(key.to_owned())),
            Some("params") => Ok(ModelField::Param(key.to_owned())),
            Some("tags") => Ok(ModelField::Tag(key.to_owned())),
            None | Some("attributes") => match model_attribute(key) {
                Some(attribute) => Ok(ModelField::Attribute(attribute)),
                None => Err(invalid_key("attribute", key, ModelAttribute::ALL.iter().map(|valid| valid.as_str()))),
            },
            Some(other) => Err(format!(
                "Invalid entity type: '{}'. Expected one of ['attributes', 'metrics', 'params', 'tags'].",
                excerpt(other)
            )),
        }
    }

    fn rule(&self) -> Rule {
        match self {
            ModelField::Metric(_) => Rule { comparators: NUMERIC, values: Values::Number { noun: "metric" } },
            ModelField::Attribute(attribute @ (ModelAttribute::CreationTime | ModelAttribute::LastUpdatedTime)) => {
                Rule { comparators: NUMERIC, values: Values::Time { name: attribute.as_str(), integers_only: false } }
            }
            ModelField::Attribute(ModelAttribute::Status) => {
                Rule { comparators: ID, values: Values::Text { noun: "status", lists: Lists::Allowed } }
            }
            ModelField::Param(_) => Rule {
                comparators: TEXT_OR_LIST,
                values: Values::Text { noun: "parameter (e.g. 'my-value')", lists: Lists::Allowed },
            },
            ModelField::Tag(_) => Rule {
                comparators: TEXT_OR_LIST,
                values: Values::Text { noun: "tag (e.g. 'my-value')", lists: Lists::Allowed },
            },
            ModelField::Attribute(_) => {
                Rule { comparators: TEXT_OR_LIST, values: Values::Text { noun: "attributes", lists: Lists::Allowed } }
            }
        }
    }

    fn null_refusal(&self) -> String {
        format!(
            "IS NULL / IS NOT NULL is not supported for logged models, not even for '{}'",
            excerpt(&self.to_string())
        )
    }

    fn order_refusal(&self) -> Option<&'static str> {
        matches!(self, ModelField::Param(_) | ModelField::Tag(_)).then_some("Only metrics and attributes are supported")
    }
}

/// The attribute of logged models of this name, or of one of its other names.
pub(super) fn model_attribute(name: &str) -> Option<ModelAttribute> {
    match name {
        "creation_time" | "creation_timestamp_ms" => Some(ModelAttribute::CreationTime),
        "last_updated_timestamp_ms" => Some(ModelAttribute::LastUpdatedTime),
        _ => ModelAttribute::from_name(name),
    }
}

fn invalid_entity(entity: &str, valid: &str) -> String {
    format!("Invalid entity type '{}'. Valid values are {valid}", excerpt(entity))
}

fn invalid_key<'a>(entity: &str, key: &str, valid: impl Iterator<Item = &'a str>) -> String {
    format!("Invalid {entity} key '{}' specified. Valid keys are '{}'", excerpt(key), set_of(valid))
}

/// A set as Python prints it.
pub(super) fn set_of<'a>(items: impl Iterator<Item = &'a str>) -> String {
    let quoted: Vec<String> = items.map(|item| format!("'{item}'")).collect();
    format!("{{{}}}", quoted.join(", "))
}
