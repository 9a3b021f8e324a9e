//! `POST diff`: what differs between runs.

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use super::{invalid, read_flag, read_names};
use crate::error::{Error, Result};
use crate::http::fields::Fields;
use crate::http::reply::Json;
use crate::http::routes::Request;
use crate::model::Caller;
use crate::state::AppState;
use crate::store::{Diff, DiffKind, DiffRequest, DiffRow, DiffValue};

/// Runs of one answer.
const MAX_RUNS: usize = 100;

/// `diff`.
pub struct DiffRuns(DiffRequest);

impl Request for DiffRuns {
    fn from_fields(fields: &mut Fields) -> Result<Self> {
        let run_ids = read_names(fields, "run_ids", MAX_RUNS)?;
        let all = read_flag(fields, "all")?;
        if run_ids.len() == 1 && !all {
            return Err(Error::Invalid(
                "'run_ids' names one run, which differs from none; name at least 2, or set 'all' to true".to_owned(),
            ));
        }
        let mut kinds = Vec::new();
        for name in fields.texts("kinds")? {
            kinds.push(
                DiffKind::from_name(&name)
                    .ok_or_else(|| invalid("kinds", &name, "it must be one of attribute, param, tag"))?,
            );
        }
        if kinds.is_empty() {
            kinds.extend(DiffKind::ALL);
        }
        Ok(DiffRuns(DiffRequest { run_ids, all, kinds }))
    }
}

/// What differs.
#[derive(Serialize)]
pub struct FoundDiff {
    run_ids: Vec<String>,
    totals: Map<String, Value>,
    differing: Map<String, Value>,
    rows: Vec<RowJson>,
    truncated: bool,
}

#[derive(Serialize)]
struct RowJson {
    kind: &'static str,
    key: String,
    values: Vec<ValueJson>,
}

struct ValueJson(DiffValue);

/// `POST diff`
pub async fn find(app: AppState, caller: Caller, DiffRuns(request): DiffRuns) -> Result<Json<FoundDiff>> {
    let Diff { counts, rows, truncated } = app.store.diff_runs(&caller, &request).await?;
    let numbers = |number: fn(&(usize, usize)) -> usize| {
        counts.iter().map(|(kind, counts)| (kind.as_str().to_owned(), number(counts).into())).collect()
    };
    Ok(Json(FoundDiff {
        totals: numbers(|(total, _)| *total),
        differing: numbers(|(_, differing)| *differing),
        rows: rows.into_iter().map(RowJson::from).collect(),
        run_ids: request.run_ids,
        truncated,
    }))
}

impl From<DiffRow> for RowJson {
    fn from(DiffRow { kind, key, values }: DiffRow) -> Self {
        RowJson { kind: kind.as_str(), key, values: values.into_iter().map(ValueJson).collect() }
    }
}

impl Serialize for ValueJson {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        match &self.0 {
            DiffValue::Missing => serializer.serialize_none(),
            DiffValue::Text(text) => serializer.serialize_str(text),
            DiffValue::Milliseconds(number) => serializer.serialize_i64(*number),
        }
    }
}
