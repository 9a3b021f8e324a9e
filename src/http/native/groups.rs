//! `POST groups`: runs by what they have in common.

use serde::Serialize;

use super::{NumberJson, invalid, read_any_names, read_bounded, read_search};
use crate::error::{Error, Result};
use crate::http::fields::Fields;
use crate::http::reply::Json;
use crate::http::routes::Request;
use crate::model::Caller;
use crate::search::{RunAttribute, RunField, parse_run_columns, parse_run_order};
use crate::state::AppState;
use crate::store::{Group, GroupBy, GroupMetric, GroupOrder, GroupSearch, Groups};

/// Groups of one answer.
const MAX_GROUPS: i64 = 1_000;
/// Metrics of one answer.
const MAX_METRICS: usize = 50;

/// `groups`.
pub struct ListGroups(GroupSearch);

impl Request for ListGroups {
    fn from_fields(fields: &mut Fields) -> Result<Self> {
        let by = read_by(fields)?;
        let metrics = read_any_names(fields, "metrics", MAX_METRICS)?;
        let (order, ascending) = read_order(fields)?;
        let offset = read_bounded(fields, "offset", 0, 0..=i64::MAX)?;
        let limit = read_bounded(fields, "limit", 50, 0..=MAX_GROUPS)?;
        // The order of the groups was taken; runs have none here.
        let search = read_search(fields)?;
        Ok(ListGroups(GroupSearch { search, by, metrics, order, ascending, offset, limit }))
    }
}

fn read_by(fields: &mut Fields) -> Result<GroupBy> {
    let text = fields.required_text("by")?;
    match parse_run_columns(std::slice::from_ref(&text))?.pop() {
        Some(RunField::Param(key)) => Ok(GroupBy::Param(key)),
        Some(RunField::Tag(key)) => Ok(GroupBy::Tag(key)),
        Some(RunField::Attribute(RunAttribute::UserId)) => Ok(GroupBy::User),
        Some(RunField::Attribute(RunAttribute::Status)) => Ok(GroupBy::Status),
        _ => Err(invalid("by", &text, "it must be a param, a tag, attribute.user_id or attribute.status")),
    }
}

/// The order of the groups, and whether the least comes first.
fn read_order(fields: &mut Fields) -> Result<(GroupOrder, bool)> {
    let text = match <[String; 1]>::try_from(fields.texts("order_by")?) {
        Ok([text]) => text,
        Err(none) if none.is_empty() => return Ok((GroupOrder::Runs, false)),
        Err(many) => {
            return Err(Error::Invalid(format!("'order_by' has {} items; groups are ordered by one", many.len())));
        }
    };
    let mut words = text.split_whitespace();
    let ascending = match (words.next(), words.next(), words.next()) {
        (Some("count" | "value"), None, None) => Some(true),
        (Some("count" | "value"), Some(word), None) if word.eq_ignore_ascii_case("asc") => Some(true),
        (Some("count" | "value"), Some(word), None) if word.eq_ignore_ascii_case("desc") => Some(false),
        _ => None,
    };
    if let Some(ascending) = ascending {
        let order = if text.trim_start().starts_with("count") { GroupOrder::Runs } else { GroupOrder::Value };
        return Ok((order, ascending));
    }
    let key = parse_run_order(std::slice::from_ref(&text)).ok().and_then(|mut keys| keys.pop());
    match key.map(|key| (key.field, key.ascending)) {
        Some((RunField::Metric(name), ascending)) => Ok((GroupOrder::Mean(name), ascending)),
        _ => Err(invalid("order_by", &text, "it must be count, value or a metric, with ASC or DESC behind it")),
    }
}

/// Some groups.
#[derive(Serialize)]
pub struct FoundGroups {
    total: usize,
    offset: usize,
    groups: Vec<GroupJson>,
}

#[derive(Serialize)]
struct GroupJson {
    value: Option<String>,
    runs: i64,
    metrics: Vec<Option<MetricJson>>,
}

#[derive(Serialize)]
struct MetricJson {
    count: i64,
    nan: i64,
    mean: Option<NumberJson>,
    min: Option<NumberJson>,
    max: Option<NumberJson>,
}

impl From<Group> for GroupJson {
    fn from(Group { value, runs, metrics }: Group) -> Self {
        GroupJson { value, runs, metrics: metrics.into_iter().map(|metric| metric.map(MetricJson::from)).collect() }
    }
}

impl From<GroupMetric> for MetricJson {
    fn from(GroupMetric { count, nan, mean, min, max }: GroupMetric) -> Self {
        let number = |value: Option<f64>| value.map(NumberJson);
        MetricJson { count, nan, mean: number(mean), min: number(min), max: number(max) }
    }
}

/// `POST groups`
pub async fn list(app: AppState, caller: Caller, ListGroups(asked): ListGroups) -> Result<Json<FoundGroups>> {
    let Groups { total, groups } = app.store.list_groups(&caller, &asked).await?;
    let groups = groups.into_iter().map(GroupJson::from).collect();
    Ok(Json(FoundGroups { total, offset: asked.offset, groups }))
}
