//! What is known of the place of a run among others before it is judged.

/// A run, its training, what it is nested in, its start, 1 where it only reserved its id, and what it is a copy of.
pub(super) type LineRow = (i64, i64, Option<i64>, i64, i64, Option<String>);

/// A run's place among others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store::search) struct Line {
    pub run: i64,
    /// The training's internal id.
    pub training: i64,
    /// The run that it is nested in.
    pub parent: Option<i64>,
    pub start_ms: i64,
    pub prepared: bool,
    /// Whether its place in the training depends on what is not known here: on its public id, its state and its origin,
    /// where another run of the training has the same start or the same origin.
    pub unsure: bool,
}

/// The lines of these rows, by training and then by run.
pub(super) fn lines(rows: Vec<LineRow>) -> Vec<Line> {
    let line = |(run, training, parent, start_ms, prepared, origin): LineRow| {
        let line = Line { run, training, parent, start_ms, prepared: prepared != 0, unsure: false };
        (line, origin)
    };
    let mut lines: Vec<(Line, Option<String>)> = rows.into_iter().map(line).collect();
    lines.sort_unstable_by_key(|(line, _)| (line.training, line.run));
    let trainings = lines.chunk_by_mut(|(one, _), (other, _)| one.training == other.training);
    trainings.filter(|members| members.len() > 1).for_each(mark_unsure);
    lines.into_iter().map(|(line, _)| line).collect()
}

fn mark_unsure(members: &mut [(Line, Option<String>)]) {
    members.sort_unstable_by_key(|(line, _)| line.start_ms);
    let same_start = members.chunk_by_mut(|(one, _), (other, _)| one.start_ms == other.start_ms);
    same_start.for_each(mark_if_several);
    members.sort_unstable_by(|(_, one), (_, other)| one.cmp(other));
    let same_origin = members.chunk_by_mut(|(_, one), (_, other)| one.is_some() && one == other);
    same_origin.for_each(mark_if_several);
    members.sort_unstable_by_key(|(line, _)| line.run);
}

fn mark_if_several(group: &mut [(Line, Option<String>)]) {
    if group.len() > 1 {
        group.iter_mut().for_each(|(line, _)| line.unsure = true);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_ordered_by_training_and_run() {
        let made = lines(vec![(9, 7, Some(3), 10, 0, None), (7, 7, None, -5, 1, None), (4, 4, None, 0, 0, None)]);

        let line = |run, training, parent, start_ms, prepared| Line {
            run,
            training,
            parent,
            start_ms,
            prepared,
            unsure: false,
        };
        assert_eq!(made, [line(4, 4, None, 0, false), line(7, 7, None, -5, true), line(9, 7, Some(3), 10, false)]);
    }

    #[test]
    fn runs_that_share_a_start_or_an_origin_with_another_run_of_their_training_are_unsure() {
        let row = |run, training, start_ms, origin: &str| {
            (run, training, None, start_ms, 0, (!origin.is_empty()).then(|| origin.to_owned()))
        };
        let made = lines(vec![
            row(1, 1, 10, "a"),
            row(2, 1, 20, ""),
            row(3, 1, 20, "b"),
            row(4, 1, 30, "a"),
            row(5, 1, 40, ""),
            row(6, 6, 10, ""),
            row(7, 6, 11, "b"),
        ]);

        let unsure: Vec<i64> = made.iter().filter(|line| line.unsure).map(|line| line.run).collect();
        assert_eq!(unsure, [1, 2, 3, 4]);
    }
}
