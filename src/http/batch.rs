//! `runs/log-batch` as it is read: a thousand points in one body, thousands of times a training.
//!
//! The body is read once, straight into borrowed fields. What does not fit that form (a bare `NaN`, both spellings of a
//! name, a wrong type) is read again by the patient rules of [`Fields`], which finds the words for the error.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};

use super::fields::{self, Fields};
use super::routes::Request;
use crate::error::{Error, Result};
use crate::model::{KeyValue, MetricValue, Point};
use crate::store::{LogBatch, ModelMetric};
use crate::validate::{self, Place};

/// `runs/log-batch`, checked but for the lengths that the administrator chose about.
#[derive(Debug)]
pub struct LogBatchRequest {
    /// The run.
    pub run_id: String,
    /// What to log.
    pub batch: LogBatch,
}

impl Request for LogBatchRequest {
    fn from_fields(fields: &mut Fields) -> Result<Self> {
        check(Batch::from_fields(fields)?)
    }

    fn from_body(body: &[u8]) -> Result<Self> {
        if let Ok(Object(batch)) = serde_json::from_slice::<Object<Batch<'_>>>(body) {
            return check(batch);
        }
        // Clients of trainings send NaN losses as bare tokens: those bodies deserve the fast way as well.
        if let Some(quoted) = fields::quote_bare_tokens(body)
            && let Ok(Object(batch)) = serde_json::from_slice::<Object<Batch<'_>>>(&quoted)
        {
            return check(batch);
        }
        Self::from_fields(&mut Fields::from_body(body)?)
    }
}

/// The body, not yet checked.
#[derive(Debug, Default, serde::Deserialize)]
struct Batch<'a> {
    #[serde(borrow, default, alias = "runId")]
    run_id: Option<Text<'a>>,
    #[serde(borrow, default)]
    metrics: Option<Capped<MetricItem<'a>>>,
    #[serde(borrow, default)]
    params: Option<Capped<PairItem<'a>>>,
    #[serde(borrow, default)]
    tags: Option<Capped<PairItem<'a>>>,
}

#[derive(Debug, Default, serde::Deserialize)]
struct MetricItem<'a> {
    #[serde(borrow, default)]
    key: Option<Text<'a>>,
    #[serde(default)]
    value: Option<Double>,
    #[serde(default)]
    timestamp: Option<Integer>,
    #[serde(default)]
    step: Option<Integer>,
    #[serde(borrow, default, alias = "modelId")]
    model_id: Option<Text<'a>>,
    #[serde(borrow, default, alias = "datasetName")]
    dataset_name: Option<Text<'a>>,
    #[serde(borrow, default, alias = "datasetDigest")]
    dataset_digest: Option<Text<'a>>,
}

#[derive(Debug, Default, serde::Deserialize)]
struct PairItem<'a> {
    #[serde(borrow, default)]
    key: Option<Text<'a>>,
    #[serde(borrow, default)]
    value: Option<Text<'a>>,
}

/// What is written as a JSON object. Without this, serde would also read a struct from a list of its fields' values.
struct Object<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Map<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Map<T> {
            type Value = Object<T>;
            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> std::result::Result<Object<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Object)
            }
        }
        deserializer.deserialize_map(Map(PhantomData))
    }
}

/// Items of a list that are kept; one more than any list may have, so that the refusal is found.
const KEPT_ITEMS: usize = 1_001;

/// The first items of a list, each a JSON object, and how many it has. What goes beyond every limit is counted and not
/// kept: a body of empty objects would else take fifty times its size in memory.
#[derive(Debug)]
struct Capped<T> {
    items: Vec<T>,
    total: usize,
}

impl<T> Default for Capped<T> {
    fn default() -> Self {
        Capped { items: Vec::new(), total: 0 }
    }
}

impl<T> From<Vec<T>> for Capped<T> {
    fn from(items: Vec<T>) -> Self {
        Capped { total: items.len(), items }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Capped<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Items<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Items<T> {
            type Value = Capped<T>;
            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a list")
            }
            fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> std::result::Result<Capped<T>, A::Error> {
                let mut items = Vec::new();
                while items.len() < KEPT_ITEMS {
                    let Some(Object(item)) = list.next_element()? else {
                        return Ok(Capped { total: items.len(), items });
                    };
                    items.push(item);
                }
                let mut total = items.len();
                while list.next_element::<de::IgnoredAny>()?.is_some() {
                    total += 1;
                }
                Ok(Capped { items, total })
            }
        }
        deserializer.deserialize_seq(Items(PhantomData))
    }
}

/// A text that is borrowed from the body where it has no escapes.
#[derive(Debug, serde::Deserialize)]
#[serde(transparent)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl Text<'_> {
    fn owned(text: String) -> Self {
        Text(Cow::Owned(text))
    }
}

#[derive(Debug, Clone, Copy)]
struct Double(f64);

#[derive(Debug, Clone, Copy)]
struct Integer(i64);

impl<'de> Deserialize<'de> for Double {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Any;
        impl Visitor<'_> for Any {
            type Value = Double;
            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a double")
            }
            fn visit_f64<E>(self, value: f64) -> std::result::Result<Double, E> {
                Ok(Double(value))
            }
            fn visit_i64<E>(self, value: i64) -> std::result::Result<Double, E> {
                Ok(Double(value as f64))
            }
            fn visit_u64<E>(self, value: u64) -> std::result::Result<Double, E> {
                Ok(Double(value as f64))
            }
            fn visit_bool<E>(self, value: bool) -> std::result::Result<Double, E> {
                Ok(Double(f64::from(u8::from(value))))
            }
            fn visit_str<E: de::Error>(self, value: &str) -> std::result::Result<Double, E> {
                fields::double_text(value).map(Double).ok_or_else(|| E::custom("no double"))
            }
        }
        deserializer.deserialize_any(Any)
    }
}

impl<'de> Deserialize<'de> for Integer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Any;
        impl Visitor<'_> for Any {
            type Value = Integer;
            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a 64-bit integer")
            }
            fn visit_i64<E>(self, value: i64) -> std::result::Result<Integer, E> {
                Ok(Integer(value))
            }
            fn visit_u64<E: de::Error>(self, value: u64) -> std::result::Result<Integer, E> {
                i64::try_from(value).map(Integer).map_err(|_| E::custom("too large"))
            }
            fn visit_f64<E: de::Error>(self, value: f64) -> std::result::Result<Integer, E> {
                fields::whole(value).map(Integer).ok_or_else(|| E::custom("not whole"))
            }
            fn visit_str<E: de::Error>(self, value: &str) -> std::result::Result<Integer, E> {
                value.parse().map(Integer).map_err(|_| E::custom("no integer"))
            }
        }
        deserializer.deserialize_any(Any)
    }
}

impl Batch<'static> {
    fn from_fields(fields: &mut Fields) -> Result<Self> {
        let text = |fields: &mut Fields, name| Ok::<_, Error>(fields.text(name)?.map(Text::owned));
        let metric = |mut item: Fields| {
            Ok(MetricItem {
                key: text(&mut item, "key")?,
                value: item.double("value")?.map(Double),
                timestamp: item.integer("timestamp")?.map(Integer),
                step: item.integer("step")?.map(Integer),
                model_id: text(&mut item, "model_id")?,
                dataset_name: text(&mut item, "dataset_name")?,
                dataset_digest: text(&mut item, "dataset_digest")?,
            })
        };
        let pair = |mut item: Fields| Ok(PairItem { key: text(&mut item, "key")?, value: text(&mut item, "value")? });
        Ok(Batch {
            run_id: text(fields, "run_id")?,
            metrics: Some(fields.objects("metrics")?.into_iter().map(metric).collect::<Result<Vec<_>>>()?.into()),
            params: Some(fields.objects("params")?.into_iter().map(pair).collect::<Result<Vec<_>>>()?.into()),
            tags: Some(fields.objects("tags")?.into_iter().map(pair).collect::<Result<Vec<_>>>()?.into()),
        })
    }
}

/// Checks a batch in the contract's order: what is there, the form of the run id, each item, how many there are, params
/// that are there twice.
fn check(batch: Batch<'_>) -> Result<LogBatchRequest> {
    let Capped { items: metrics, total: metrics_total } = batch.metrics.unwrap_or_default();
    let Capped { items: params, total: params_total } = batch.params.unwrap_or_default();
    let Capped { items: tags, total: tags_total } = batch.tags.unwrap_or_default();
    let run_id = batch.run_id.filter(|run_id| !run_id.0.is_empty());
    let run_id = run_id.ok_or_else(|| Error::Invalid(validate::missing("run_id")))?.0;
    for (index, metric) in metrics.iter().enumerate() {
        let missing = |name| Err(Error::Invalid(validate::missing(format_args!("metrics[{index}].{name}"))));
        match metric {
            MetricItem { key: None, .. } => return missing("key"),
            MetricItem { key: Some(key), .. } if key.0.is_empty() => return missing("key"),
            MetricItem { value: None, .. } => return missing("value"),
            MetricItem { timestamp: None, .. } => return missing("timestamp"),
            _ => {}
        }
    }
    for (list, items) in [("params", &params), ("tags", &tags)] {
        let nameless = |item: &PairItem<'_>| item.key.as_ref().is_none_or(|key| key.0.is_empty());
        if let Some(index) = items.iter().position(nameless) {
            return Err(Error::Invalid(validate::missing(format_args!("{list}[{index}].key"))));
        }
    }
    validate::run_id_form(&run_id)?;
    let mut checked = LogBatch::default();
    read_metrics(&metrics, &mut checked)?;
    checked.params = read_pairs("params", &params, validate::param_key)?;
    checked.tags = read_pairs("tags", &tags, validate::tag_key)?;
    validate::batch_size(metrics_total, params_total, tags_total)?;
    validate::unique_param_keys(checked.params.iter().map(|param| param.key.as_str()))?;
    Ok(LogBatchRequest { run_id: run_id.into_owned(), batch: checked })
}

/// Checks points and groups them by metric; a name is checked once, however many points it has.
fn read_metrics(items: &[MetricItem<'_>], batch: &mut LogBatch) -> Result<()> {
    let mut places: HashMap<&str, usize> = HashMap::new();
    for (index, item) in items.iter().enumerate() {
        let key = item.key.as_ref().map_or("", |key| &key.0);
        let (value, timestamp_ms) = (item.value.map_or(0.0, |value| value.0), item.timestamp.map_or(0, |ms| ms.0));
        let place = Place::in_list("metrics", index, items.len());
        let series = match places.get(key) {
            Some(position) => *position,
            None => {
                validate::metric_key(place, key)?;
                batch.series.push((key.to_owned(), Vec::new()));
                places.insert(key, batch.series.len() - 1);
                batch.series.len() - 1
            }
        };
        validate::timestamp(place, key, value, timestamp_ms)?;
        let step = item.step.map_or(0, |step| step.0);
        let point = Point { timestamp_ms, step, value: MetricValue::new(value) };
        batch.series[series].1.push(point);
        if let Some(model_id) = item.model_id.as_ref().filter(|model_id| !model_id.0.is_empty()) {
            batch.model_metrics.push(model_metric(key, point, model_id, item)?);
        }
    }
    Ok(())
}

fn model_metric(key: &str, point: Point, model_id: &Text<'_>, item: &MetricItem<'_>) -> Result<ModelMetric> {
    let text = |text: &Option<Text<'_>>| text.as_ref().map_or_else(String::new, |text| text.0.clone().into_owned());
    let metric = ModelMetric {
        key: key.to_owned(),
        model_id: model_id.0.clone().into_owned(),
        dataset_name: text(&item.dataset_name),
        dataset_digest: text(&item.dataset_digest),
        point,
    };
    validate::model_metric(&metric.model_id, &metric.dataset_name, &metric.dataset_digest)?;
    Ok(metric)
}

fn read_pairs(
    list: &'static str,
    items: &[PairItem<'_>],
    check_key: fn(Place, &str) -> Result<()>,
) -> Result<Vec<KeyValue>> {
    let pair = |(index, item): (usize, &PairItem<'_>)| {
        let key = item.key.as_ref().map_or("", |key| &key.0);
        check_key(Place::in_list(list, index, items.len()), key)?;
        let value = item.value.as_ref().map_or_else(String::new, |value| value.0.clone().into_owned());
        Ok(KeyValue { key: key.to_owned(), value })
    };
    items.iter().enumerate().map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<LogBatchRequest> {
        LogBatchRequest::from_body(body.as_bytes())
    }

    #[test]
    fn points_are_grouped_by_metric_in_their_order() {
        let body = r#"{"run_id": "r", "metrics": [
            {"key": "a", "value": 1, "timestamp": 5, "step": 1},
            {"key": "b", "value": "NaN", "timestamp": "6", "step": "2"},
            {"key": "a", "value": -0.5, "timestamp": 7, "ignored": {}}]}"#;

        let batch = read(body).unwrap().batch;

        let names: Vec<&str> = batch.series.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["a", "b"]);
        let a: Vec<(i64, i64, f64)> =
            batch.series[0].1.iter().map(|point| (point.timestamp_ms, point.step, point.value.get())).collect();
        assert_eq!(a, [(5, 1, 1.0), (7, 0, -0.5)]);
        assert!(batch.series[1].1[0].value.is_nan());
    }

    #[test]
    fn the_fast_and_the_patient_way_read_the_same() {
        let fast = r#"{"runId":"r","metrics":[{"key":"é\n","value":1e3,"timestamp":1.0,"modelId":"m-1"}],"tags":[{"key":"t"}]}"#;
        let patient = serde_json::to_string(fast).unwrap();

        let error = read(fast).unwrap_err().to_string();
        assert!(error.starts_with("Invalid value"), "a newline is not allowed in a name: {error}");
        assert_eq!(read(&patient).unwrap_err().to_string(), error);

        let bodies = [fast.replace("\\n", ""), patient.replace("\\\\n", "")];
        let [fast, patient] = bodies.map(|body| format!("{:?}", read(&body).unwrap()));
        assert_eq!(fast, patient);
    }

    #[test]
    fn bare_tokens_of_python_are_numbers() {
        let batch = read(r#"{"run_id":"r","metrics":[{"key":"a","value":-Infinity,"timestamp":1}]}"#).unwrap().batch;

        assert_eq!(batch.series[0].1[0].value.get(), f64::MIN);
    }

    #[test]
    fn what_is_missing_is_named_with_its_place() {
        for (body, path) in [
            (r#"{"metrics":[]}"#, "run_id"),
            (r#"{"run_id":"r","metrics":[{"key":"a","timestamp":1}]}"#, "metrics[0].value"),
            (r#"{"run_id":"r","metrics":[{"key":"a","value":1}]}"#, "metrics[0].timestamp"),
            (r#"{"run_id":"r","params":[{"key":"a"},{"value":"1"}]}"#, "params[1].key"),
        ] {
            let error = read(body).unwrap_err().to_string();
            assert!(error.starts_with(&format!("Missing value for required parameter '{path}'.")), "{error}");
        }
    }

    #[test]
    fn a_wrong_type_is_named_with_its_place() {
        let error = read(r#"{"run_id":"r","metrics":[{"key":"a","value":[1],"timestamp":1}]}"#).unwrap_err();

        assert!(error.to_string().starts_with("Invalid value [1] for parameter 'metrics[0].value' supplied:"));
    }

    #[test]
    fn a_list_of_values_is_no_object() {
        let error = read(r#"{"run_id":"r","params":[["p","v"]]}"#).unwrap_err().to_string();
        assert!(error.starts_with(r#"Invalid value ["p","v"] for parameter 'params' supplied:"#), "{error}");

        let error = read(r#"["r",[],[],[]]"#).unwrap_err().to_string();
        assert!(error.starts_with("Missing value for required parameter 'run_id'."), "{error}");
    }
}
