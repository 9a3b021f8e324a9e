//! Rows of `lineage` as a few long texts: a row of its own for each run would cost more than all that is done with it.

use crate::error::{Error, Result};

/// What the rows of many runs have, each column as one text with commas between; nothing where there are no rows.
#[derive(Debug, Default, sqlx::FromRow)]
pub(super) struct LineTexts {
    pub runs: Option<String>,
    pub trainings: Option<String>,
    /// Empty for a run that is nested in nothing.
    pub parents: Option<String>,
    pub starts: Option<String>,
    /// 1 for a run that only reserved its id.
    pub prepared: Option<String>,
    /// Empty for a run that is no copy and has none.
    pub origins: Option<String>,
}

/// What is known of a run's place among others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store::search) struct Line {
    pub run: i64,
    /// The training's internal id.
    pub training: i64,
    /// The run that it is nested in, 0 for none.
    pub parent: i64,
    pub start_ms: i64,
    pub prepared: bool,
    /// Whether its place in the training depends on what is not known here: on its public id, its state and its origin,
    /// where another run of the training has the same start or the same origin.
    pub unsure: bool,
}

impl LineTexts {
    /// The lines, by training and then by run.
    ///
    /// # Errors
    /// [`Error::Internal`] where a column is not what the statement makes.
    pub fn parse(&self) -> Result<Vec<Line>> {
        let runs = numbers(&self.runs);
        let trainings = numbers(&self.trainings);
        let parents = numbers(&self.parents);
        let starts = numbers(&self.starts);
        let origins = split(&self.origins);
        let rows = runs.zip(trainings).zip(parents).zip(starts).zip(split(&self.prepared)).zip(origins);
        let mut lines = Vec::with_capacity(self.runs.as_ref().map_or(0, |runs| runs.len() / 6));
        for (((((run, training), parent), start_ms), prepared), origin) in rows {
            let (run, training, parent, start_ms) = (run?, training?, parent?, start_ms?);
            let line = Line { run, training, parent, start_ms, prepared: prepared == "1", unsure: false };
            lines.push((line, origin));
        }
        lines.sort_unstable_by_key(|(line, _)| (line.training, line.run));
        let mut trainings = lines.chunk_by_mut(|(one, _), (other, _)| one.training == other.training);
        trainings.by_ref().filter(|members| members.len() > 1).for_each(mark_unsure);
        Ok(lines.into_iter().map(|(line, _)| line).collect())
    }
}

fn mark_unsure(members: &mut [(Line, &str)]) {
    members.sort_unstable_by_key(|(line, _)| line.start_ms);
    mark_runs_of(members, |one, other| one.0.start_ms == other.0.start_ms);
    members.sort_unstable_by_key(|(_, origin)| *origin);
    mark_runs_of(members, |one, other| one.1 == other.1 && !one.1.is_empty());
    members.sort_unstable_by_key(|(line, _)| line.run);
}

fn mark_runs_of<'a>(members: &mut [(Line, &'a str)], same: impl FnMut(&(Line, &'a str), &(Line, &'a str)) -> bool) {
    let groups = members.chunk_by_mut(same);
    groups.filter(|group| group.len() > 1).flatten().for_each(|(line, _)| line.unsure = true);
}

fn split(column: &Option<String>) -> impl Iterator<Item = &str> {
    column.iter().flat_map(|text| text.split(','))
}

/// The numbers of a column; nothing counts as 0.
fn numbers(column: &Option<String>) -> impl Iterator<Item = Result<i64>> {
    split(column).map(|text| if text.is_empty() { Ok(0) } else { text.parse().map_err(Error::internal) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(columns: [&str; 6]) -> LineTexts {
        let [runs, trainings, parents, starts, prepared, origins] = columns.map(|text| Some(text.to_owned()));
        LineTexts { runs, trainings, parents, starts, prepared, origins }
    }

    #[test]
    fn columns_of_text_are_rows_again() {
        let line = Line { run: 7, training: 7, parent: 0, start_ms: -5, prepared: true, unsure: false };
        let texts = texts(["9,7", "9,7", "7,", "10,-5", "0,1", ","]);

        let other = Line { run: 9, training: 9, parent: 7, start_ms: 10, prepared: false, unsure: false };
        assert_eq!(texts.parse().unwrap(), [line, other]);
        assert_eq!(LineTexts::default().parse().unwrap(), []);
    }

    #[test]
    fn runs_that_share_a_start_or_an_origin_with_another_run_of_their_training_are_unsure() {
        let texts =
            texts(["1,2,3,4,5,6,7", "1,1,1,1,1,6,6", ",,,,,,", "10,20,20,30,40,10,20", "0,0,0,0,0,0,0", "a,,b,a,,,b"]);

        let unsure: Vec<i64> = texts.parse().unwrap().iter().filter(|line| line.unsure).map(|line| line.run).collect();

        assert_eq!(unsure, [1, 2, 3, 4]);
    }

    #[test]
    fn what_is_no_number_is_an_error() {
        assert!(texts(["1", "x", "", "0", "0", ""]).parse().is_err());
    }
}
