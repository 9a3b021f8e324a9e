//! `GET keys`: the names of metrics, params and tags, for completion and for choosing columns.

use serde::Serialize;

use super::{NumberJson, read_bounded, read_experiments};
use crate::error::{Error, Result};
use crate::http::fields::Fields;
use crate::http::reply::Json;
use crate::http::routes::Request;
use crate::model::Caller;
use crate::state::AppState;
use crate::store::{KeyKind, KeySearch, KeySummary, KeyValues, NamePart};
use crate::validate::{self, excerpt};

/// Names of one answer.
const MAX_KEYS: i64 = 5_000;

/// `keys`.
pub struct ListKeys(KeySearch);

impl Request for ListKeys {
    fn from_fields(fields: &mut Fields) -> Result<Self> {
        let kind = match fields.required_text("kind")?.as_str() {
            "metric" => KeyKind::Metric,
            "param" => KeyKind::Param,
            "tag" => KeyKind::Tag,
            other => {
                return Err(Error::Invalid(format!(
                    "Invalid value '{}' for parameter 'kind' supplied. It must be one of metric, param, tag.",
                    excerpt(other)
                )));
            }
        };
        let prefix = fields.text("prefix")?.unwrap_or_default();
        validate::no_nul("prefix", &prefix)?;
        let experiments = read_experiments(fields)?;
        let limit = read_bounded(fields, "limit", 20, 1..=MAX_KEYS)?;
        Ok(ListKeys(KeySearch { experiments, kind, text: NamePart::Start(prefix), limit }))
    }
}

/// Names and their values.
#[derive(Serialize)]
pub struct FoundKeys {
    keys: Vec<KeyJson>,
}

#[derive(Serialize)]
struct KeyJson {
    key: String,
    runs: i64,
    r#type: &'static str,
    differs: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    min: Option<NumberJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max: Option<NumberJson>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    values: Vec<ValueJson>,
}

#[derive(Serialize)]
struct ValueJson {
    value: String,
    runs: i64,
}

/// `GET keys`
pub async fn list(app: AppState, caller: Caller, ListKeys(search): ListKeys) -> Result<Json<FoundKeys>> {
    let found = app.store.list_keys(&caller, search).await?;
    Ok(Json(FoundKeys { keys: found.into_iter().map(KeyJson::from).collect() }))
}

impl From<KeySummary> for KeyJson {
    fn from(KeySummary { key, runs, values }: KeySummary) -> Self {
        match values {
            KeyValues::Range { min, max } => KeyJson {
                key,
                runs,
                r#type: "number",
                differs: min != max,
                min: min.map(NumberJson),
                max: max.map(NumberJson),
                values: Vec::new(),
            },
            KeyValues::Top { values, differs } => {
                // By the most frequent values: what a table should align and a chart may draw.
                let is_number = values.iter().all(|(value, _)| value.trim().parse::<f64>().is_ok());
                let values = values.into_iter().map(|(value, runs)| ValueJson { value, runs }).collect();
                let r#type = if is_number { "number" } else { "text" };
                KeyJson { key, runs, r#type, differs, min: None, max: None, values }
            }
        }
    }
}
