//! What a run of a file store is, and what it logged.

use anyhow::{Context, bail};

use super::meta::{self, InputMeta, META, Meta, RunMeta};
use super::{PATIENCE, either_deleted, is_of_directory, join, metric_file, vanished};
use crate::model::{DatasetInput, KeyValue};
use crate::offline::artifact_folder::{self, open_below};
use crate::offline::folder::{Folder, Kind, Step, modified_ns, reason, shown, walk};
use crate::offline::{Files, MAX_NAMES, MAX_VALUE_BYTES, OfflineRun, Problem, RunPlace, Series, counted, problem};

/// The tag that holds the name of a run.
const NAME_TAG: &str = "mlflow.runName";

/// Reads a run.
///
/// # Errors
/// Where it has vanished, is another run, or has too many params, tags or metrics.
pub(super) fn run(root: &Folder, run: &RunPlace) -> anyhow::Result<OfflineRun> {
    let folder = root.descend(&run.place)?.with_context(|| vanished(run))?;
    let meta = read_meta(&folder)?.with_context(|| vanished(run))?;
    if let Err(why) = is_of_directory(&meta, &run.run_id) {
        bail!("{META}: {why}");
    }
    let mut problems = Vec::new();
    let tags = read_texts(&folder, "tags", &mut problems)?;
    let metrics = read_metric_names(&folder, &mut problems)?;
    let mut params = read_texts(&folder, "params", &mut problems)?;
    if !meta.status.is_end() {
        settle(&folder, &mut params)?;
    }
    let (datasets, models_read) = read_inputs(root, run, &folder, &mut problems);
    let outputs = folder.enter("outputs").and_then(|outputs| outputs.map_or(Ok(Vec::new()), |it| it.entries()));
    let models_made = match outputs {
        Ok(entries) => entries.iter().filter(|entry| entry.kind == Kind::Folder).count(),
        Err(error) => {
            problems.push(problem("outputs", reason(&error)));
            0
        }
    };

    let name_tag = tags.iter().find(|tag| tag.key == NAME_TAG).map(|tag| tag.value.clone()).unwrap_or_default();
    let names = [meta.run_name, name_tag, meta.old_name];
    Ok(OfflineRun {
        run_id: run.run_id.clone(),
        experiment: run.experiment.clone(),
        name: names.into_iter().find(|name| !name.is_empty()).unwrap_or_default(),
        user_id: meta.user_id,
        status: meta.status,
        start_ms: meta.start_ms,
        end_ms: meta.end_ms,
        lifecycle: either_deleted(meta.lifecycle, run.lifecycle),
        params,
        tags,
        datasets,
        metrics,
        left_out: [counted(models_made, "logged model"), counted(models_read, "logged model that it read")]
            .into_iter()
            .flatten()
            .collect(),
        problems,
    })
}

/// The tags of a run's experiment. What cannot be read of them is left out: they are no part of a run.
pub(super) fn experiment_tags(root: &Folder, run: &RunPlace) -> anyhow::Result<Vec<KeyValue>> {
    let experiment = run.place.rsplit_once('/').map_or("", |(experiment, _)| experiment);
    let Some(folder) = root.descend(experiment)? else { return Ok(Vec::new()) };
    read_texts(&folder, "tags", &mut Vec::new())
}

/// What a run is; waits if that is being written.
fn read_meta(folder: &Folder) -> anyhow::Result<Option<RunMeta>> {
    for last in [false, true] {
        match meta::read(folder, last, meta::parse_run).context(META)? {
            Meta::Read(run) => return Ok(Some(run)),
            Meta::Absent => return Ok(None),
            Meta::Unfinished => std::thread::sleep(PATIENCE),
        }
    }
    Ok(None)
}

/// The params or tags: each is a file, and its value all that is in it, as MLflow reads it.
fn read_texts(folder: &Folder, what: &str, problems: &mut Vec<Problem>) -> anyhow::Result<Vec<KeyValue>> {
    let mut texts = Vec::new();
    walk_keys(folder, what, problems, &mut |holder, name, key| {
        let value = match holder.read(name, MAX_VALUE_BYTES) {
            Ok(Some(bytes)) => String::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned()),
            Ok(None) => return Ok(()),
            Err(error) => Err(reason(&error)),
        };
        value.map(|value| texts.push(KeyValue { key: key.to_owned(), value }))
    })?;
    texts.sort_unstable_by(|one, other| one.key.cmp(&other.key));
    Ok(texts)
}

fn read_metric_names(folder: &Folder, problems: &mut Vec<Problem>) -> anyhow::Result<Vec<String>> {
    let mut names = Vec::new();
    walk_keys(folder, "metrics", problems, &mut |_, _, key| {
        names.push(key.to_owned());
        Ok(())
    })?;
    names.sort_unstable();
    Ok(names)
}

/// What is done with each key: the directory that holds its file, the name of that, and the key.
type KeyVisitor<'a> = &'a mut dyn FnMut(&Folder, &[u8], &str) -> Result<(), String>;

/// Goes through the keys of the params, tags or metrics; what cannot be read becomes a problem.
fn walk_keys(folder: &Folder, what: &str, problems: &mut Vec<Problem>, visit: KeyVisitor<'_>) -> anyhow::Result<()> {
    let top = match folder.enter(what) {
        Ok(Some(top)) => top,
        Ok(None) => return Ok(()),
        Err(error) => {
            problems.push(problem(what, reason(&error)));
            return Ok(());
        }
    };
    let walked = walk(&top, MAX_NAMES, &mut |holder, path, step| {
        let done = match step {
            Step::Folder => return Ok(()),
            Step::Refused(why) => Err(why),
            Step::File(entry) => match std::str::from_utf8(path) {
                Ok(key) => visit(holder, &entry.name, key),
                Err(_) => Err("its name is not UTF-8".to_owned()),
            },
        };
        if let Err(why) = done {
            problems.push(problem(&format!("{what}/{}", shown(path)), why));
        }
        Ok(())
    });
    walked.context(what.to_owned())
}

/// Reads empty params again that may just be made: their file is there before their value is, and since values never
/// change, nobody would look at them a second time. MLflow writes one file after the other, so a param is complete once
/// anything else of the run is clearly younger.
fn settle(folder: &Folder, params: &mut [KeyValue]) -> anyhow::Result<()> {
    if params.iter().all(|param| !param.value.is_empty()) {
        return Ok(());
    }
    let mut youngest = i64::MIN;
    for name in [META, "tags", "metrics", "artifacts", "params"] {
        youngest = youngest.max(folder.stat(name)?.map_or(i64::MIN, |stat| modified_ns(&stat)));
    }
    let Some(top) = folder.enter("params")? else { return Ok(()) };
    let mut has_waited = false;
    for param in params.iter_mut().filter(|param| param.value.is_empty()) {
        let (above, name) = param.key.rsplit_once('/').unwrap_or(("", &param.key));
        let Some(holder) = top.descend(above)? else { continue };
        let is_new =
            holder.stat(name)?.is_some_and(|stat| modified_ns(&stat) >= youngest.saturating_sub(1_000_000_000));
        if !is_new {
            continue;
        }
        if !std::mem::replace(&mut has_waited, true) {
            std::thread::sleep(PATIENCE);
        }
        if let Ok(Some(bytes)) = holder.read(name, MAX_VALUE_BYTES)
            && let Ok(value) = String::from_utf8(bytes)
        {
            param.value = value;
        }
    }
    Ok(())
}

/// The datasets that a run read, in the order of the ids of their uses, and how much else it read.
fn read_inputs(
    root: &Folder,
    run: &RunPlace,
    folder: &Folder,
    problems: &mut Vec<Problem>,
) -> (Vec<DatasetInput>, usize) {
    let experiment = run.place.rsplit_once('/').map_or("", |(experiment, _)| experiment);
    let opened = folder.enter("inputs").and_then(|inputs| match inputs {
        Some(inputs) => {
            let entries = inputs.entries()?;
            Ok(Some((inputs, entries, root.descend(&join(experiment, "datasets"))?)))
        }
        None => Ok(None),
    });
    let (inputs, entries, datasets) = match opened {
        Ok(Some(opened)) => opened,
        Ok(None) => return (Vec::new(), 0),
        Err(error) => {
            problems.push(problem("inputs", reason(&error)));
            return (Vec::new(), 0);
        }
    };
    let (mut read, mut others) = (Vec::new(), 0);
    for entry in entries.iter().filter(|entry| entry.kind == Kind::Folder) {
        match read_input(&inputs, &entry.name, datasets.as_ref()) {
            Ok(Some(Input::Dataset(dataset))) => read.push(dataset),
            Ok(Some(Input::Other)) => others += 1,
            Ok(None) => {}
            Err(error) => problems.push(problem(&format!("inputs/{}", shown(&entry.name)), format!("{error:#}"))),
        }
    }
    (read, others)
}

enum Input {
    Dataset(DatasetInput),
    Other,
}

/// Reads an input; `None` where it is just being made.
fn read_input(inputs: &Folder, name: &[u8], datasets: Option<&Folder>) -> anyhow::Result<Option<Input>> {
    let Some(input) = inputs.enter(name)? else { return Ok(None) };
    let (id, tags) = match meta::read(&input, true, meta::parse_input)? {
        Meta::Read(InputMeta::Dataset { id, tags }) => (id, tags),
        Meta::Read(InputMeta::Other) => return Ok(Some(Input::Other)),
        Meta::Absent | Meta::Unfinished => return Ok(None),
    };
    // The id comes out of a file: it may say anything, but `enter` leads to a directory of this name or nowhere.
    let dataset = datasets.map(|datasets| datasets.enter(&id)).transpose()?.flatten();
    let dataset = dataset.with_context(|| format!("the dataset '{}' is not there", shown(id.as_bytes())))?;
    match meta::read(&dataset, true, meta::parse_dataset).context("its dataset")? {
        Meta::Read(dataset) => Ok(Some(Input::Dataset(DatasetInput { dataset, tags }))),
        Meta::Absent | Meta::Unfinished => bail!("the dataset '{}' has no {META}", shown(id.as_bytes())),
    }
}

/// Reads the points of a metric; none if it has vanished.
///
/// # Errors
/// Where its file cannot be read, or has too many lines.
pub(super) fn series(folder: &Folder, metric: &str) -> anyhow::Result<Series> {
    let Some(metrics) = folder.enter("metrics")? else { return Ok(Series::default()) };
    let Some(file) = open_below(&metrics, metric)? else { return Ok(Series::default()) };
    let has_ended = || matches!(read_meta(folder), Ok(Some(run)) if run.status.is_end());
    metric_file::read(file, &format!("metrics/{metric}"), has_ended)
}

/// Lists the artifacts.
///
/// # Errors
/// Where there are too many.
pub(super) fn files(folder: &Folder, run: &RunPlace) -> anyhow::Result<Files> {
    let mut files = match folder.enter("artifacts") {
        Ok(Some(artifacts)) => artifact_folder::list(&artifacts)?,
        Ok(None) => Files::default(),
        Err(error) => Files { files: Vec::new(), problems: vec![problem("artifacts", reason(&error))] },
    };
    // An experiment may have been told to keep its artifacts elsewhere; then the directory of the run is empty.
    if files == Files::default()
        && let Ok(Some(meta)) = read_meta(folder)
    {
        let above = run.place.rsplit('/').nth(1).unwrap_or_default();
        let own = format!("/{above}/{}/artifacts", run.run_id);
        let uri = meta.artifact_uri.trim_end_matches('/');
        if !uri.is_empty() && !uri.ends_with(&own) {
            let why = format!("they lie at '{}' and are not read", shown(uri.as_bytes()));
            files.problems.push(problem("artifacts", why));
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::super::tests::Store;
    use super::*;

    #[test]
    fn an_empty_param_whose_value_was_written_meanwhile_has_it() {
        let store = Store::with_run();
        store.write_in_run("params/deep/p", "value");
        let folder = Folder::open(&store.in_run("")).unwrap().unwrap();
        // As it was read before.
        let mut params = [KeyValue { key: "deep/p".to_owned(), value: String::new() }];

        settle(&folder, &mut params).unwrap();

        assert_eq!(params[0].value, "value");
    }
}
