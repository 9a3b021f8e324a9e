//! The odd series that a page must draw right, attempts that go over the same steps again, and bounds.

use windvane::model::{Point, RunStatus};
use windvane::store::curves::axis::Axis;
use windvane::store::curves::curve::Style;
use windvane::store::curves::grid::{Grid, Position};
use windvane::store::{InlineCurve, InlineRequest, LogBatch, NewRun, SeriesRequest};

use super::*;

/// The answer about one metric of one run.
async fn read(store: &Store, run_id: &str, metric: &str, change: impl FnOnce(&mut SeriesRequest)) -> FoundSeries {
    let mut request = request(&[run_id.to_owned()], &[metric]);
    change(&mut request);
    store.read_series(&OPEN, request).await.unwrap()
}

/// A segment as text: its steps, then what is in each bucket, with the place of the bucket.
fn text(found: &FoundSeries, series: usize) -> Vec<String> {
    let place = |at: u32| match found.frame.grid.position(at) {
        Position::Integer(place) => place.to_string(),
        Position::Number(place) => place.to_string(),
    };
    let segments = found.series[series].curve.segments.iter().map(|segment| {
        let buckets = segment.at.iter().enumerate().map(|(index, at)| {
            let (mean, min, max) = (segment.mean[index], segment.min[index], segment.max[index]);
            let (last, count) = (segment.last[index], segment.count[index]);
            if count == 1 {
                format!("{}={mean}", place(*at))
            } else {
                format!("{}={mean}({min}..{max},{last},×{count})", place(*at))
            }
        });
        format!("{}..{}: {}", segment.first_step, segment.last_step, buckets.collect::<Vec<_>>().join(" "))
    });
    segments.collect()
}

/// Logs a metric; ends the run and compacts it in half of the cases.
async fn logged(database: &Database, points: &[Point], compacted: bool) -> (Store, String) {
    let store = database.open().await;
    let run_id = create_run(&store, 1).await;
    // The order in which points come does not matter.
    for part in points.chunks(50_000).rev() {
        store.log(&OPEN, &run_id, metric("m", part.to_vec())).await.unwrap();
    }
    if !compacted {
        return (store, run_id);
    }
    store.update_run(&OPEN, &run_id, status(RunStatus::Finished)).await.unwrap();
    store.close().await;
    (database.open().await, run_id)
}

#[tokio::test]
async fn odd_series_are_told_as_they_are() {
    let nan = f64::NAN;
    let cases: [(&str, Vec<Point>, &[&str]); 9] = [
        ("none", vec![], &[]),
        ("one value", vec![point(5, 7, 2.5)], &["7..7: 7=2.5"]),
        ("all at step 0", (0..4).map(|at| point(at, 0, at as f64)).collect(), &["0..0: 0=1.5(0..3,3,×4)"]),
        (
            "two at one step",
            vec![point(5, 7, 1.0), point(6, 7, 2.0), point(7, 8, 3.0)],
            &["7..8: 7=1.5(1..2,2,×2) 8=3"],
        ),
        ("constant", (0..3).map(|at| point(at, at, 0.1)).collect(), &["0..2: 0=0.1 1=0.1 2=0.1"]),
        ("NaN tail", vec![point(1, 1, 1.0), point(2, 2, nan), point(3, 3, nan)], &["1..3: 1=1"]),
        ("only NaN", vec![point(1, 1, nan), point(2, 2, nan)], &["1..2: "]),
        (
            "an overlapping restart",
            vec![point(1, 1, 1.0), point(2, 2, 2.0), point(3, 3, 3.0), point(4, 2, 2.5), point(5, 4, 4.5)],
            &["1..3: 1=1 2=2 3=3", "2..4: 2=2.5 4=4.5"],
        ),
        ("times of 0", vec![point(0, 1, 1.0), point(0, 2, 2.0), point(0, 2, 3.0)], &["1..2: 1=1 2=2.5(2..3,3,×2)"]),
    ];
    for database in databases().await {
        let store = database.open().await;
        for (number, (name, points, expected)) in cases.iter().enumerate() {
            let run_id = create_run(&store, number as i64).await;
            store.log(&OPEN, &run_id, metric("m", points.clone())).await.unwrap();

            let found = read(&store, &run_id, "m", |_| ()).await;

            assert_eq!(text(&found, 0), *expected, "{name}");
            assert_eq!(found.series[0].outline.total, points.len() as u64, "{name}");
            assert!(found.frame.grid.is_exact(), "{name}");
            assert_places(&found);
        }
        let tail = read(&store, &format!("{:032x}", 5), "m", |_| ()).await;
        let Marks { count, first_step, at } = &tail.series[0].curve.nan;
        assert_eq!((*count, *first_step, at.as_slice()), (2, Some(2), &[1, 2][..]));
    }
}

#[tokio::test]
async fn infinite_values_are_counted_apart_and_told_in_no_bucket() {
    for database in databases().await {
        let store = database.open().await;
        let run_id = create_run(&store, 1).await;
        let values = [1.0, f64::INFINITY, f64::NEG_INFINITY, f64::INFINITY, 3.0];
        let points = values.iter().zip(1..).map(|(value, step)| point(step, step, *value)).collect();
        store.log(&OPEN, &run_id, metric("m", points)).await.unwrap();

        let series = read(&store, &run_id, "m", |_| ()).await.series.remove(0);
        let one = read(&store, &run_id, "m", |request| request.buckets = 1).await;

        assert_eq!(series.outline.values, Some((1.0, 3.0)));
        assert_eq!((series.curve.infinity.count, series.curve.infinity.at), (2, vec![1, 3]));
        assert_eq!((series.curve.negative_infinity.count, series.curve.negative_infinity.first_step), (1, Some(3)));
        assert_eq!(text(&one, 0), ["1..5: 3=2(1..3,3,×2)"]);
    }
}

#[tokio::test]
async fn the_greatest_numbers_have_a_mean_and_the_greatest_steps_a_bucket() {
    for database in databases().await {
        let store = database.open().await;
        let run_id = create_run(&store, 1).await;
        let large: Vec<Point> = (0..6).map(|at| point(at, at, if at < 5 { 1e308 } else { 1.5e308 })).collect();
        let far = vec![point(1, i64::MIN, 1.0), point(2, -1, 2.0), point(3, 0, 3.0), point(4, i64::MAX, 4.0)];
        let batch = LogBatch { series: vec![("m".to_owned(), large), ("far".to_owned(), far)], ..LogBatch::default() };
        store.log(&OPEN, &run_id, batch).await.unwrap();

        let mean =
            |style: Style| read(&store, &run_id, "m", move |request| (request.buckets, request.style) = (1, style));
        let plain = mean(request(&[], &[]).style).await.series.remove(0).curve.segments.remove(0);
        let smoothed = mean(Style { smoothing: 0.9, ..request(&[], &[]).style }).await;
        let smoothed = smoothed.series[0].curve.segments[0].smooth[0];
        let two = read(&store, &run_id, "far", |request| request.buckets = 2).await;
        let one = read(&store, &run_id, "far", |request| request.buckets = 1).await;

        assert!((plain.mean[0] / 1e308 - 6.5 / 6.0).abs() < 1e-12, "{}", plain.mean[0]);
        assert!((1e308..1.5e308).contains(&smoothed), "{smoothed}");
        assert_eq!(two.series[0].curve.segments[0].count, [2, 2]);
        assert_eq!((one.series[0].curve.segments[0].count.as_slice(), one.places.as_slice()), (&[4][..], &[0][..]));
    }
}

#[tokio::test]
async fn a_spike_is_seen_whatever_the_zoom_and_wherever_its_points_are() {
    for compacted in [false, true] {
        for database in databases().await {
            let points: Vec<Point> =
                (0..100_000).map(|at| point(NOW + at, at, if at == 77_777 { 99.0 } else { (at % 7) as f64 })).collect();
            let (store, run_id) = logged(&database, &points, compacted).await;

            for buckets in [1, 2, 10, 1_000, 2_000] {
                let found = read(&store, &run_id, "m", |request| request.buckets = buckets).await;
                let curve = &found.series[0].curve;
                let Grid::Integers { start: 0, width, end: 99_999 } = found.frame.grid else { panic!("{found:?}") };
                let segment = &curve.segments[0];

                assert_eq!((curve.segments.len(), segment.at.len()), (1, buckets));
                let spike = (77_777 / width) as usize;
                assert_eq!(segment.max[spike], 99.0);
                assert!(segment.max.iter().enumerate().all(|(at, max)| at == spike || *max <= 6.0));
                assert_eq!(segment.count.iter().sum::<u64>(), 100_000);
                assert_eq!(segment.last[buckets - 1], f64::from(99_999 % 7));
            }
            let zoomed = read(&store, &run_id, "m", |request| request.range = Some((77_770, 77_779))).await;
            assert!(zoomed.frame.grid.is_exact());
            assert_eq!(zoomed.series[0].curve.segments[0].mean[7], 99.0);
            assert_eq!((zoomed.series[0].outline.total, zoomed.series[0].curve.points), (100_000, 10));
        }
    }
}

#[tokio::test]
async fn steps_in_disorder_are_one_segment_and_smoothed_as_one() {
    for database in databases().await {
        let restarts = |count: i64| {
            (0..=count).flat_map(|pass| (0..3).map(move |step| point(pass * 10 + step, step, pass as f64))).collect()
        };
        let store = database.open().await;
        for (count, segments) in [(99, 100), (100, 1)] {
            let run_id = create_run(&store, count).await;
            let points: Vec<Point> = restarts(count);
            store.log(&OPEN, &run_id, metric("m", points)).await.unwrap();

            let found = read(&store, &run_id, "m", |request| request.style.smoothing = 0.5).await;

            let curve = &found.series[0].curve;
            assert_eq!((curve.segments.len(), curve.disordered), (segments, count == 100));
            let counts: u64 = curve.segments.iter().flat_map(|segment| &segment.count).sum();
            assert_eq!(counts, 3 * (count as u64 + 1));
        }
    }
}

#[tokio::test]
async fn chunks_from_before_backward_steps_were_counted_are_read_right() {
    for database in databases().await {
        let points: Vec<Point> =
            (0..20_000).map(|at| point(NOW + at, if at < 9_000 { at } else { at - 5_000 }, 1.0)).collect();
        let (store, run_id) = logged(&database, &points, true).await;
        let ask =
            async |range| read(&store, &run_id, "m", |request| (request.range, request.buckets) = (range, 3)).await;
        let (whole, end) = (ask(None).await, ask(Some((14_000, 14_999))).await);
        assert_eq!(database.int("SELECT CAST(sum(backward_steps) AS BIGINT) FROM metric_chunk").await, 1);

        database.run("UPDATE metric_chunk SET backward_steps = NULL").await;

        for (counted, range) in [(whole, None), (end, Some((14_000, 14_999)))] {
            let found = ask(range).await;
            assert_eq!(found.series[0].curve, counted.series[0].curve);
            assert_eq!(found.series[0].outline, counted.series[0].outline);
        }
    }
}

/// A training of three attempts, the second of which went on from 50 and was resumed in place from 80 on, and another run.
async fn training(store: &Store) -> Vec<String> {
    let mut ids: Vec<String> = Vec::new();
    let passes: [(i64, &[(i64, i64)]); 4] =
        [(1, &[(0, 100)]), (2, &[(50, 100), (80, 120)]), (3, &[(110, 150)]), (4, &[(0, 10)])];
    for (number, passes) in passes {
        let resumed = vec![pair("mlflow.parentRunId", &format!("{:032x}", 1)), pair("resumedRun", "True")];
        let tags = if (2..=3).contains(&number) { resumed } else { Vec::new() };
        let run_id = store.create_run(&OPEN, NewRun { tags, ..new_run(number) }).await.unwrap().run_id;
        let mut points = Vec::new();
        for (pass, (first, end)) in (0..).zip(passes) {
            let at = NOW + number * 10_000 + pass * 1_000;
            points.extend((*first..*end).map(|step| point(at + step, step, number as f64 + pass as f64 / 10.0)));
        }
        let sparse = points.iter().step_by(5).copied().collect();
        let machine = (0..20).map(|step| point(NOW + number * 10_000 + step * 7, step, 0.5)).collect();
        let series = vec![
            ("loss".to_owned(), points),
            ("val".to_owned(), sparse),
            ("system/gpu".to_owned(), machine),
            ("once".to_owned(), vec![point(NOW + number * 10_000, 0, 1.0)]),
        ];
        store.log(&OPEN, &run_id, LogBatch { series, ..LogBatch::default() }).await.unwrap();
        ids.push(run_id);
    }
    ids
}

#[tokio::test]
async fn a_training_is_one_curve_and_what_was_superseded_another() {
    for database in databases().await {
        let store = database.open().await;
        let ids = training(&store).await;
        let asked = SeriesRequest { joined: true, superseded: true, ..request(&ids[1..], &["loss", "val"]) };

        let found = store.read_series(&OPEN, asked).await.unwrap();

        let names: Vec<_> = found
            .series
            .iter()
            .map(|series| (series.run_id.as_str(), series.metric.as_str(), series.superseded))
            .collect();
        let (second, other) = (ids[1].as_str(), ids[3].as_str());
        assert_eq!(
            names,
            [
                (second, "loss", false),
                (second, "loss", true),
                (second, "val", false),
                (second, "val", true),
                (other, "loss", false),
                (other, "val", false),
            ]
        );
        let (joined, tail) = (&found.series[0], &found.series[1]);
        let attempt = |run: usize, first_step, points| windvane::store::SeriesAttempt {
            run_id: ids[run].clone(),
            first_step,
            points,
        };
        assert_eq!(joined.attempts, [attempt(0, 0, 50), attempt(1, 50, 60), attempt(2, 110, 40)]);
        assert_eq!(joined.curve.segments.len(), 1, "one curve");
        let segment = &joined.curve.segments[0];
        assert_eq!((segment.first_step, segment.last_step, segment.at.len()), (0, 149, 150));
        assert_eq!([segment.mean[49], segment.mean[79], segment.mean[80], segment.mean[110]], [1.0, 2.0, 2.1, 3.0]);
        assert_eq!((joined.outline.total, joined.outline.dropped, tail.outline.total), (150, 80, 80));
        let tails: Vec<_> = tail.curve.segments.iter().map(|segment| (segment.first_step, segment.last_step)).collect();
        assert_eq!(tails, [(50, 99), (80, 119)]);
        assert_eq!(found.series[2].attempts.len(), 3);
        assert!(found.series[2].curve.segments[0].at.is_sorted());
    }
}

#[tokio::test]
async fn metrics_of_the_machine_and_single_values_cut_nothing_and_are_joined_by_time() {
    for database in databases().await {
        let store = database.open().await;
        let ids = training(&store).await;
        let asked =
            SeriesRequest { joined: true, superseded: true, axis: Axis::Wall, ..request(&ids[..1], &["system/gpu"]) };

        let found = store.read_series(&OPEN, asked).await.unwrap();
        let by_step = SeriesRequest { joined: true, ..request(&ids[..1], &["system/gpu"]) };
        let by_step = store.read_series(&OPEN, by_step).await.unwrap();

        assert_eq!(found.series.len(), 1, "nothing is superseded");
        assert_eq!((found.series[0].outline.total, found.places.len()), (60, 60));
        assert_eq!(by_step.series[0].curve.segments.len(), 3);
    }
}

#[tokio::test]
async fn a_joined_curve_begins_its_time_with_the_first_attempt() {
    for database in databases().await {
        let store = database.open().await;
        let ids = training(&store).await;
        let ask = async |joined| {
            let asked = SeriesRequest { joined, axis: Axis::Relative, ..request(&ids[2..3], &["loss"]) };
            store.read_series(&OPEN, asked).await.unwrap()
        };

        let (joined, alone) = (ask(true).await, ask(false).await);

        assert_eq!(joined.series[0].origin_ms, Some(NOW + 10_000));
        assert_eq!(joined.frame.range.0, 0);
        assert_eq!(alone.series[0].origin_ms, Some(NOW + 30_000), "another metric may begin earlier");
        assert_eq!(alone.frame.range.0, 110);
    }
}

#[tokio::test]
async fn small_curves_have_a_range_of_their_own() {
    for database in databases().await {
        let store = database.open().await;
        let ids = training(&store).await;
        let odd = create_run(&store, 9).await;
        let points = vec![point(1, 0, 1.0), point(2, 310, f64::NAN), point(3, 100, 3.0), point(4, 319, f64::INFINITY)];
        store.log(&OPEN, &odd, metric("loss", points)).await.unwrap();
        let empty = create_run(&store, 10).await;
        let run_ids = vec![ids[2].clone(), odd.clone(), empty.clone()];
        let ask = async |joined, metric: &str| {
            let request = InlineRequest { run_ids: run_ids.clone(), metric: metric.to_owned(), joined };
            store.read_inline_curves(&OPEN, request).await.unwrap()
        };

        let alone = ask(false, "loss").await;
        let joined = ask(true, "loss").await;
        let nothing = ask(true, "unheard-of").await;

        assert_eq!(alone.iter().map(|curve| curve.run_id.clone()).collect::<Vec<_>>(), run_ids);
        assert_eq!((alone[0].steps, alone[0].total, alone[0].mean.len()), (Some((110, 149)), 40, 20));
        let mut mean = vec![None; 32];
        (mean[0], mean[10]) = (Some(1.0), Some(3.0));
        assert_eq!((alone[1].mean.as_slice(), alone[1].nan, alone[1].total), (mean.as_slice(), 1, 4));
        assert_eq!(alone[1].last, Some(point(4, 319, f64::INFINITY)));
        let InlineCurve { mean, steps, total, last, .. } = &alone[2];
        assert_eq!((mean.len(), *steps, *total, *last), (0, None, 0, None));
        assert_eq!((joined[0].steps, joined[0].total), (Some((0, 149)), 150));
        assert!(nothing.iter().all(|curve| curve.total == 0 && curve.mean.is_empty()));
    }
}

#[tokio::test]
async fn what_is_too_much_is_refused() {
    for database in databases().await {
        let store = database.open().await;
        let run_id = create_run(&store, 1).await;
        let batch = LogBatch {
            series: vec![("m".to_owned(), ascending(0, 9)), ("x".to_owned(), ascending(0, 9))],
            ..LogBatch::default()
        };
        store.log(&OPEN, &run_id, batch).await.unwrap();
        let asked = |metric: &str| request(std::slice::from_ref(&run_id), &[metric]);
        let by_metric = SeriesRequest { axis: Axis::Metric("x".to_owned()), ..asked("m") };
        assert!(store.read_series(&OPEN, by_metric.clone()).await.is_ok());

        database.run("UPDATE metric_series SET count = 2000001").await;
        let axis = refusal(store.read_series(&OPEN, by_metric).await);
        database.run("UPDATE metric_series SET count = 20000001").await;
        let points = refusal(store.read_series(&OPEN, asked("m")).await);
        let inline = InlineRequest { run_ids: vec![run_id.clone()], metric: "m".to_owned(), joined: false };
        let inline = refusal(store.read_inline_curves(&OPEN, inline).await);
        let unknown = refusal(store.read_series(&OPEN, request(&[run_id.clone(), "absent".to_owned()], &["m"])).await);

        let limit = "20000001 points in these runs; at most 20000000 are allowed. Ask for fewer runs or metrics";
        assert_eq!(points, format!("INVALID_PARAMETER_VALUE: the request has {limit}"));
        assert_eq!(inline, points);
        assert!(axis.contains("the metric of 'x' has 2000001 points"), "{axis}");
        assert_eq!(unknown, "RESOURCE_DOES_NOT_EXIST: Run with id=absent not found");
    }
}

#[tokio::test]
async fn an_answer_of_too_many_figures_is_refused() {
    let database = Database::sqlite();
    let store = database.open().await;
    let mut run_ids = Vec::new();
    // Each of 90 segments reaches over all buckets.
    let points: Vec<Point> = (0..90 * 2_000).map(|at| point(at, at % 2_000, 0.5)).collect();
    for number in 0..3 {
        run_ids.push(create_run(&store, number).await);
        store.log(&OPEN, &run_ids[number as usize], metric("m", points.clone())).await.unwrap();
    }
    let asked = |runs: usize| SeriesRequest { buckets: 2_000, ..request(&run_ids[..runs], &["m"]) };

    assert!(store.read_series(&OPEN, asked(2)).await.is_ok());
    let refused = refusal(store.read_series(&OPEN, asked(3)).await);

    assert!(refused.contains("more than 2000000 figures; ask for fewer 'run_ids', 'metrics', 'buckets' or 'columns'"));
}

#[tokio::test]
async fn a_point_is_placed_by_a_metric_of_its_own_run() {
    for database in databases().await {
        let store = database.open().await;
        let run_id = create_run(&store, 1).await;
        let samples = vec![point(1, 10, 0.5), point(2, 20, 1.5), point(3, 30, f64::NAN), point(4, 40, 4.5)];
        let loss = (0..6).map(|at| point(10 + at, at * 10, at as f64)).collect();
        let series = vec![("samples".to_owned(), samples), ("loss".to_owned(), loss)];
        store.log(&OPEN, &run_id, LogBatch { series, ..LogBatch::default() }).await.unwrap();

        let axis = Axis::Metric("samples".to_owned());
        let found = read(&store, &run_id, "loss", |request| request.axis = axis).await;
        let unknown = read(&store, &run_id, "loss", |request| request.axis = Axis::Metric("none".to_owned())).await;

        assert_eq!(text(&found, 0), ["10..50: 0.5=1 1.5=2 4.5=4.5(4..5,5,×2)"]);
        assert_eq!((found.series[0].curve.without_x, found.series[0].curve.points), (2, 4));
        assert_eq!((unknown.series[0].curve.without_x, unknown.places.len()), (6, 0));
    }
}
