//! Every row of the lineage table of Anemoi's contract (section 3) and of its sync (section 6), in every order of
//! arrival.

use super::*;

fn arrivals(runs: &[Case]) -> Vec<Arrival> {
    let of = |run: usize| {
        let mut arrivals = vec![Arrival::Created(run)];
        arrivals.extend((!runs[run].params.is_empty()).then_some(Arrival::Params(run)));
        arrivals.extend((!runs[run].tags.is_empty()).then_some(Arrival::Tags(run)));
        arrivals
    };
    (0..runs.len()).flat_map(of).collect()
}

/// All orders in which things may arrive: of one run, it is created first. At most about a hundred of them, evenly
/// chosen.
fn orders(runs: &[Case]) -> Vec<Vec<Arrival>> {
    fn extend(order: &mut Vec<Arrival>, left: &[Arrival], all: &mut Vec<Vec<Arrival>>) {
        if left.is_empty() {
            all.push(order.clone());
        }
        for (position, arrival) in left.iter().enumerate() {
            let created =
                |run: usize| order.iter().any(|past| matches!(past, Arrival::Created(other) if *other == run));
            let may_come = match arrival {
                Arrival::Created(_) => true,
                Arrival::Params(run) | Arrival::Tags(run) => created(*run),
            };
            if may_come {
                let mut rest = left.to_vec();
                order.push(rest.remove(position));
                extend(order, &rest, all);
                order.pop();
            }
        }
    }
    // Of many runs, each arrives whole.
    let mut all = Vec::new();
    if runs.len() <= 2 {
        extend(&mut Vec::new(), &arrivals(runs), &mut all);
    } else {
        let created: Vec<Arrival> = (0..runs.len()).map(Arrival::Created).collect();
        extend(&mut Vec::new(), &created, &mut all);
        let whole = |order: Vec<Arrival>| {
            let run = |arrival: &Arrival| match arrival {
                Arrival::Created(run) | Arrival::Params(run) | Arrival::Tags(run) => *run,
            };
            let own = |number: usize| arrivals(runs).into_iter().filter(move |arrival| run(arrival) == number);
            order.iter().map(run).flat_map(own).collect()
        };
        all = all.into_iter().map(whole).collect();
    }
    let every = all.len().div_ceil(100);
    all.into_iter().step_by(every).collect()
}

async fn check(case: &str, runs: &[Case], expected: &[&str]) {
    let expected: BTreeSet<String> = expected.iter().map(|line| (*line).to_owned()).collect();
    for database in databases().await {
        let store = database.open().await;
        for (number, order) in orders(runs).iter().enumerate() {
            let world = format!("w{number}");
            for arrival in order {
                arrive(&store, &world, runs, arrival).await;
            }
            assert_eq!(world_lines(&store, &world, runs).await, expected, "{case}: {order:?}");
        }
    }
}

#[tokio::test]
async fn a_new_run_is_alone() {
    let runs = [run("a", 0).anemoi("@a").param("config.training.fork_run_id", "None"), run("b", 1)];

    check("new", &runs, &["a: attempt 1 in a", "b: attempt 1 in b"]).await;
}

#[tokio::test]
async fn a_child_is_nested() {
    let runs = [run("p", 0), run("c", 1).tag("mlflow.parentRunId", "@p")];

    check("nest", &runs, &["p: attempt 1 in p", "c: attempt 1 in c", "c -nest-> p"]).await;
}

#[tokio::test]
async fn a_resumed_run_and_its_parent_are_attempts_of_one_training() {
    let runs = [run("p", 0).anemoi("@p"), run("c", 1).resumes("@p")];

    check("resume", &runs, &["p: attempt 1 in p", "c: attempt 2 in p", "c -resume-> p"]).await;
}

#[tokio::test]
async fn a_chain_of_resumes_is_one_training_and_so_are_siblings() {
    let runs = [run("a", 0), run("b", 1).resumes("@a"), run("c", 2).resumes("@b"), run("d", 3).resumes("@b")];
    let expected = [
        "a: attempt 1 in a",
        "b: attempt 2 in a",
        "c: attempt 3 in a",
        "d: attempt 4 in a",
        "b -resume-> a",
        "c -resume-> b",
        "d -resume-> b",
    ];

    check("chain", &runs, &expected).await;
}

#[tokio::test]
async fn children_of_a_parent_that_is_not_here_are_attempts_of_one_training() {
    let runs = [run("b", 1).resumes("@a"), run("c", 2).resumes("@a")];
    let expected = ["b: attempt 1 in b", "c: attempt 2 in b", "b -resume-> a (missing)", "c -resume-> a (missing)"];

    check("missing parent", &runs, &expected).await;
}

#[tokio::test]
async fn a_fork_is_a_training_of_its_own() {
    let runs = [run("f", 0).anemoi("@f"), run("g", 1).anemoi("@g").forks("@f")];

    check("fork", &runs, &["f: attempt 1 in f", "g: attempt 1 in g", "g -fork-> f"]).await;
}

#[tokio::test]
async fn a_run_that_resumes_a_prepared_one_is_its_first_attempt() {
    let runs = [
        run("d", 0).tag("dry_run", "True").param("training.run_id", "None"),
        run("a", 1).resumes("@d"),
        run("b", 2).resumes("@d"),
    ];
    let expected = ["d: prepared in a", "a: attempt 1 in a", "b: attempt 2 in a", "a -resume-> d", "b -resume-> d"];

    check("prepared", &runs, &expected).await;
}

#[tokio::test]
async fn a_fork_into_a_prepared_run_has_both_links() {
    let runs = [run("f", 0), run("d", 1).tag("dry_run", "True"), run("g", 2).resumes("@d").forks("@f")];
    let expected = ["f: attempt 1 in f", "d: prepared in g", "g: attempt 1 in g", "g -resume-> d", "g -fork-> f"];

    check("prepared fork", &runs, &expected).await;
}

#[tokio::test]
async fn a_killed_run_that_was_synced_three_times_is_one_attempt() {
    let copy = |name, start| {
        let own = format!("@{name}");
        run(name, start).anemoi(&own).param("metadata.offline_run_id", "@old").tag("offlineRun", "True")
    };
    let runs = [copy("a", 0), copy("b", 1), copy("c", 2)];
    let expected = [
        "a: copy of attempt 1 in c",
        "b: copy of attempt 1 in c",
        "c: attempt 1 in c",
        "a -copy-> old elsewhere",
        "b -copy-> old elsewhere",
        "c -copy-> old elsewhere",
    ];

    check("copies", &runs, &expected).await;
}

#[tokio::test]
async fn a_synced_chain_is_one_training_however_often_it_was_synced() {
    let first = |name, start| run(name, start).anemoi(&format!("@{name}")).param("metadata.offline_run_id", "@old-a");
    let second = |name, start, parent: &str| {
        run(name, start)
            .resumes(parent)
            .tag("mlflow.offline.parentRunId", "@old-a")
            .param("metadata.offline_run_id", "@old-a")
            .param("config.training.offline_self_run_id", "@old-b")
    };
    let runs = [first("a", 0), second("b", 1, "@a"), first("a2", 2), second("b2", 3, "@a2")];
    let expected = [
        "a: copy of attempt 1 in a2",
        "a2: attempt 1 in a2",
        "b: copy of attempt 2 in a2",
        "b2: attempt 2 in a2",
        "a -copy-> old-a elsewhere",
        "a2 -copy-> old-a elsewhere",
        "b -copy-> old-b elsewhere",
        "b2 -copy-> old-b elsewhere",
        "b -resume-> a",
        "b2 -resume-> a2",
    ];

    check("synced chain", &runs, &expected).await;
}

#[tokio::test]
async fn a_synced_child_that_came_before_its_parent_is_no_parent_of_itself() {
    let runs = [
        run("a", 0).anemoi("@a").param("metadata.offline_run_id", "@old-a"),
        run("b", 1)
            .resumes("@b")
            .tag("mlflow.offline.parentRunId", "@old-a")
            .param("metadata.offline_run_id", "@old-a")
            .param("config.training.offline_self_run_id", "@old-b"),
    ];
    let expected = [
        "a: attempt 1 in a",
        "b: attempt 2 in a",
        "a -copy-> old-a elsewhere",
        "b -copy-> old-b elsewhere",
        "b -resume-> old-a by a",
    ];

    check("self-parent", &runs, &expected).await;
}

#[tokio::test]
async fn a_copy_and_its_origin_are_one_attempt_and_the_origin_stands_for_both() {
    for source in ["metadata.offline_run_id", "metadata.server2server_run_id"] {
        let runs =
            [run("x", 0).anemoi("@x"), run("z", 1).anemoi("@z").param(source, "@x").tag("server2server", "True")];
        let expected = ["x: attempt 1 in x", "z: copy of attempt 1 in x", "z -copy-> x"];

        check(source, &runs, &expected).await;
    }
}

#[tokio::test]
async fn a_fork_of_a_synced_run_is_a_fork_of_its_copy() {
    let runs = [
        run("f", 0).anemoi("@f").param("metadata.offline_run_id", "@old-f"),
        run("g", 1).anemoi("@g").forks("@old-f").param("config.training.offline_fork_run_id", "@old-f"),
    ];
    let expected = ["f: attempt 1 in f", "g: attempt 1 in g", "f -copy-> old-f elsewhere", "g -fork-> old-f by f"];

    check("fork of a copy", &runs, &expected).await;
}

#[tokio::test]
async fn a_run_that_was_copied_to_another_server_and_back_belongs_to_its_origin() {
    let runs = [
        run("x", 0).anemoi("@x"),
        run("y", 1).anemoi("@y").param("metadata.offline_run_id", "@x"),
        run("z", 2).anemoi("@z").param("metadata.offline_run_id", "@x").param("metadata.server2server_run_id", "@y"),
    ];
    let expected = [
        "x: attempt 1 in x",
        "y: copy of attempt 1 in x",
        "z: copy of attempt 1 in x",
        "y -copy-> x",
        "z -copy-> x",
        "z -copy-> y",
    ];

    check("twice copied", &runs, &expected).await;
}

#[tokio::test]
async fn cycles_are_normal_data() {
    let runs = [
        run("a", 0).resumes("@c"),
        run("b", 1).resumes("@a"),
        run("c", 2).resumes("@b"),
        run("n", 3).tag("mlflow.parentRunId", "@m"),
        run("m", 4).tag("mlflow.parentRunId", "@n"),
        run("s", 5).tag("mlflow.parentRunId", "@s"),
    ];
    let expected = [
        "a: attempt 1 in a",
        "b: attempt 2 in a",
        "c: attempt 3 in a",
        "a -resume-> c",
        "b -resume-> a",
        "c -resume-> b",
        "n: attempt 1 in n",
        "m: attempt 1 in m",
        "n -nest-> m",
        "m -nest-> n",
        "s: attempt 1 in s",
    ];

    check("cycles", &runs, &expected).await;
}
