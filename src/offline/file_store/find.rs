//! Which runs a file store holds.

use std::io;

use super::meta::{self, ExperimentMeta, META, Meta};
use super::{PATIENCE, TRASH, either_deleted, is_of_directory, join};
use crate::model::Lifecycle;
use crate::offline::folder::{Folder, Kind, reason, shown};
use crate::offline::{Found, Problem, RunPlace, is_run_id, problem};

/// MLflow's model registry, beside the experiments.
const REGISTRY: &str = "models";

/// Looks for all runs below `root`.
///
/// # Errors
/// Where the root cannot be read.
pub(super) fn find(root: &Folder) -> anyhow::Result<Found> {
    Finder::default().find(root)
}

/// Looks for runs.
#[derive(Debug, Default)]
struct Finder {
    runs: Vec<Candidate>,
    problems: Vec<Problem>,
    /// Directories whose `meta.yaml` was just being written.
    unfinished: Vec<Unfinished>,
}

#[derive(Debug)]
struct Candidate {
    run: RunPlace,
    /// Whether the run says that it belongs to another experiment than it lies in, as one in a copied directory.
    is_astray: bool,
}

#[derive(Debug)]
enum Unfinished {
    Experiment { place: String, lifecycle: Lifecycle },
    Run { place: String, experiment: ExperimentMeta },
}

impl Finder {
    fn find(mut self, root: &Folder) -> anyhow::Result<Found> {
        self.take_experiments(root, "", Lifecycle::Active)?;
        let trash = root.enter(TRASH).and_then(|trash| match trash {
            Some(trash) => self.take_experiments(&trash, TRASH, Lifecycle::Deleted),
            None => Ok(()),
        });
        if let Err(error) = trash {
            self.problems.push(problem(TRASH, reason(&error)));
        }
        self.look_again(root);
        Ok(self.finish())
    }

    fn take_experiments(&mut self, parent: &Folder, below: &str, lifecycle: Lifecycle) -> io::Result<()> {
        for entry in parent.entries()? {
            if entry.name.starts_with(b".") || &*entry.name == REGISTRY.as_bytes() {
                continue;
            }
            let shown = join(below, &shown(&entry.name));
            match (entry.kind, entry.text()) {
                (Kind::File | Kind::Other, _) => {}
                // It may be an experiment that was moved to another disk.
                (Kind::Link, _) => self.problems.push(problem(&shown, "it is a link, and links are not followed")),
                (Kind::Folder, None) => self.problems.push(problem(&shown, "its name is not UTF-8")),
                (Kind::Folder, Some(name)) => {
                    let place = join(below, name);
                    match parent.enter(name) {
                        Ok(Some(folder)) => self.take_experiment(&folder, place, lifecycle, false),
                        Ok(None) => {}
                        Err(error) => self.problems.push(problem(&shown, reason(&error))),
                    }
                }
            }
        }
        Ok(())
    }

    fn take_experiment(&mut self, folder: &Folder, place: String, lifecycle: Lifecycle, last: bool) {
        let mut experiment = match meta::read(folder, last, meta::parse_experiment) {
            Ok(Meta::Read(experiment)) => experiment,
            Ok(Meta::Unfinished) => return self.unfinished.push(Unfinished::Experiment { place, lifecycle }),
            Ok(Meta::Absent) => return self.take_no_experiment(folder, &place),
            Err(error) => return self.problems.push(problem(&join(&place, META), format!("{error:#}"))),
        };
        if lifecycle == Lifecycle::Deleted {
            experiment.lifecycle = Lifecycle::Deleted;
        }
        let entries = match folder.entries() {
            Ok(entries) => entries,
            Err(error) => return self.problems.push(problem(&place, reason(&error))),
        };
        for entry in entries {
            // Anything else is no run: datasets, tags, traces, models.
            let Some(name) = entry.text().filter(|name| is_run_id(name)) else { continue };
            let run_place = join(&place, name);
            match entry.kind {
                Kind::Folder => match folder.enter(name) {
                    Ok(Some(run)) => self.take_run(&run, run_place, &experiment, last),
                    Ok(None) => {}
                    Err(error) => self.problems.push(problem(&run_place, reason(&error))),
                },
                Kind::Link => self.problems.push(problem(&run_place, "it is a link, and links are not followed")),
                Kind::File | Kind::Other => {}
            }
        }
    }

    /// A directory without `meta.yaml` is no experiment; but if it has runs, somebody will miss them.
    fn take_no_experiment(&mut self, folder: &Folder, place: &str) {
        let has_run = |name: &str| {
            is_run_id(name)
                && folder.enter(name).ok().flatten().is_some_and(|run| matches!(run.stat(META), Ok(Some(_))))
        };
        let entries = folder.entries().unwrap_or_default();
        let runs = entries.iter().filter_map(|entry| entry.text()).filter(|name| has_run(name)).count();
        if runs > 0 {
            let why = format!("it has no {META}; the runs in it, {runs}, are not read");
            self.problems.push(problem(place, why));
        }
    }

    fn take_run(&mut self, folder: &Folder, place: String, experiment: &ExperimentMeta, last: bool) {
        let run_id = place.rsplit('/').next().unwrap_or_default().to_owned();
        let run = match meta::read(folder, last, meta::parse_run) {
            Ok(Meta::Read(run)) => run,
            Ok(Meta::Unfinished) => {
                let experiment = ExperimentMeta { name: experiment.name.clone(), lifecycle: experiment.lifecycle };
                return self.unfinished.push(Unfinished::Run { place, experiment });
            }
            Ok(Meta::Absent) => {
                // It is empty while it is being made, or after all in it was deleted.
                if !matches!(folder.entries(), Ok(entries) if entries.is_empty()) {
                    self.problems.push(problem(&place, format!("it has no {META}")));
                }
                return;
            }
            Err(error) => return self.problems.push(problem(&join(&place, META), format!("{error:#}"))),
        };
        if let Err(why) = is_of_directory(&run, &run_id) {
            return self.problems.push(problem(&join(&place, META), why));
        }
        let above = place.rsplit('/').nth(1).unwrap_or_default();
        let is_astray = run.experiment_id.as_deref().is_some_and(|id| id != above);
        let run = RunPlace {
            run_id,
            name: if run.run_name.is_empty() { run.old_name } else { run.run_name },
            experiment: experiment.name.clone(),
            lifecycle: either_deleted(run.lifecycle, experiment.lifecycle),
            start_ms: run.start_ms,
            place,
        };
        self.runs.push(Candidate { run, is_astray });
    }

    /// Waits for what was being written, once for all of it.
    fn look_again(&mut self, root: &Folder) {
        if self.unfinished.is_empty() {
            return;
        }
        std::thread::sleep(PATIENCE);
        for unfinished in std::mem::take(&mut self.unfinished) {
            let (Unfinished::Experiment { place, .. } | Unfinished::Run { place, .. }) = &unfinished;
            let folder = match root.descend(place) {
                Ok(Some(folder)) => folder,
                Ok(None) => continue,
                Err(error) => {
                    self.problems.push(problem(place, reason(&error)));
                    continue;
                }
            };
            match unfinished {
                Unfinished::Experiment { place, lifecycle } => self.take_experiment(&folder, place, lifecycle, true),
                Unfinished::Run { place, experiment } => self.take_run(&folder, place, &experiment, true),
            }
        }
    }

    fn finish(mut self) -> Found {
        // Of two places with one id, that one is read which MLflow itself would take: where the run says it belongs.
        self.runs.sort_unstable_by(|one, other| {
            let key = |it: &Candidate| (it.is_astray, it.run.place.starts_with(TRASH));
            one.run
                .run_id
                .cmp(&other.run.run_id)
                .then(key(one).cmp(&key(other)))
                .then(one.run.place.cmp(&other.run.place))
        });
        let mut runs: Vec<RunPlace> = Vec::with_capacity(self.runs.len());
        for Candidate { run, .. } in self.runs {
            match runs.last() {
                Some(first) if first.run_id == run.run_id => {
                    let why = format!("a run of this id lies in '{}' too; that one is read", first.place);
                    self.problems.push(problem(&run.place, why));
                }
                _ => runs.push(run),
            }
        }
        runs.sort_by(|one, other| (one.start_ms, &one.run_id).cmp(&(other.start_ms, &other.run_id)));
        Found { runs, problems: self.problems }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::tests::Store;
    use super::*;

    #[test]
    fn a_meta_file_that_is_written_meanwhile_is_read_at_the_second_look() {
        let store = Store::with_run();
        let meta = store.in_run(META);
        let whole = fs::read(&meta).unwrap();
        fs::write(&meta, "").unwrap();
        let root = Folder::open(&store.path("")).unwrap().unwrap();
        let mut finder = Finder::default();

        finder.take_experiments(&root, "", Lifecycle::Active).unwrap();
        assert_eq!(finder.unfinished.len(), 1);
        fs::write(&meta, whole).unwrap();
        finder.look_again(&root);

        let found = finder.finish();
        assert_eq!((found.runs.len(), found.problems.len()), (1, 0));
    }
}
