//! `truth`: every shape of a series that a chart may lie about, and names that a page may stumble over.

use super::random::{Random, run_id};
use super::scribe::{Draft, Namespace};
use super::{DAY_MS, HOUR_MS};
use crate::model::{MetricValue, Point, RunStatus};

pub(super) fn namespace(now_ms: i64) -> Namespace {
    let runs = vec![odd_series(now_ms - 2 * DAY_MS), hostile(now_ms - DAY_MS)];
    Namespace { name: "truth", created_ms: now_ms - 2 * DAY_MS, tags: Vec::new(), runs }
}

fn run(key: &str, name: &str, start_ms: i64) -> Draft {
    Draft {
        run_id: run_id(key),
        name: name.to_owned(),
        user: "katherine".to_owned(),
        start_ms,
        end: Some((RunStatus::Finished, start_ms + 3 * HOUR_MS)),
        ..Draft::default()
    }
}

/// Points at `steps`, a second apart.
fn points(start_ms: i64, steps: impl Iterator<Item = i64>, mut value: impl FnMut(i64, i64) -> f64) -> Vec<Point> {
    let point = |(number, step): (i64, i64)| Point {
        timestamp_ms: start_ms + number * 1_000,
        step,
        value: MetricValue::new(value(number, step)),
    };
    (0..).zip(steps).map(point).collect()
}

fn odd_series(start_ms: i64) -> Draft {
    let mut draft = run("odd series", "odd series", start_ms);
    let mut random = Random::named("odd series");
    let mut noise = || (random.unit() * 1_000.0).round() / 10_000.0;
    let mut falling = |step: i64| 1.0 / (1.0 + step as f64 / 100.0) + noise();
    let mut add = |name: &str, steps: &mut dyn Iterator<Item = i64>, value: &mut dyn FnMut(i64, i64) -> f64| {
        draft.metric(name, points(start_ms, steps, value));
    };
    add("all_at_step_0", &mut std::iter::repeat_n(0, 200), &mut |number, _| falling(number));
    add("one_value", &mut (7..8), &mut |_, _| 0.25);
    add("two_at_one_step", &mut [5, 5].into_iter(), &mut |number, _| 0.5 + number as f64 / 4.0);
    add("constant", &mut (0..300), &mut |_, _| 0.125);
    add("spike", &mut (0..1_000), &mut |_, step| if step == 500 { 1e6 } else { falling(step) });
    add("nan_tail", &mut (0..200), &mut |_, step| if step < 150 { falling(step) } else { f64::NAN });
    add("only_nan", &mut (0..40), &mut |_, _| f64::NAN);
    add("infinite", &mut (0..100), &mut |_, step| match step {
        30 | 60 => f64::INFINITY,
        80 => f64::NEG_INFINITY,
        _ => falling(step),
    });
    add("overlapping_restart", &mut (0..=500).chain(300..=800), &mut |number, step| {
        falling(step) + if number > 500 { 0.1 } else { 0.0 }
    });
    add("hundred_thousand", &mut (0..100_000), &mut |_, step| falling(step / 100));
    add("with_zero_and_negative", &mut (0..300), &mut |_, step| f64::from((step as i32 % 60) - 20) / 40.0);
    add("many_restarts", &mut (0..150).flat_map(|_| 0..20), &mut |number, step| (number / 20 + step) as f64);
    draft.tag("mlflow.note.content", "Every metric here has a shape that a chart may get wrong.");
    draft
}

/// What users may write, and pages must show as it is.
fn hostile(start_ms: i64) -> Draft {
    const MARKUP: &str = "<img src=x onerror=alert(1)>";
    const NOTE: &str = "# Note <script>alert(1)</script>\n\n[click](javascript:alert(1)) \
                        [encoded](jav&#x61;script:alert(1)) ![image](https://example.com/pixel.png)\n\n\
                        <a href=\"javascript:alert(1)\">link</a> <iframe src=\"https://example.com\"></iframe>\n\n\
                        `<b>code</b>` **bold <i>italic</i>**";
    let mut draft = run("hostile", &format!("hostile {MARKUP}"), start_ms);
    let long_word = "w".repeat(10_000);
    // A tag has at most 8,000 characters, a param 6,000: the server cuts what is longer.
    draft.tag("mlflow.note.content", NOTE);
    draft.tag("mlflow.user", "\"><svg onload=alert(1)>");
    draft.tag("long word", &long_word[..8_000]);
    draft.tag("right to left", "user\u{202e}gnp.exe");
    draft.tag("quotes", "' OR 1=1 -- \" ` ${x} {{x}} %s");
    draft.param("markup", MARKUP);
    draft.param("long word", &long_word[..6_000]);
    draft.param("empty", "");
    draft.param("lines", "first\nsecond\r\n\tthird");
    draft.param("letters", "αβγ 温度 \u{1f300} e\u{301} \u{200b}invisible");
    draft.param("constructor.__proto__.prototype", "names that objects of JavaScript have");
    draft.param("formula", "=HYPERLINK(\"https://example.com\")");
    for name in ["constructor", "__proto__", "toString", "größe/温度", "a/b/c/d/e/f/g", "with spaces: and colons"] {
        draft.metric(name, points(start_ms, 0..50, |_, step| 1.0 / (1.0 + step as f64)));
    }
    draft.metric(&"n".repeat(250), points(start_ms, 0..50, |_, step| step as f64));
    draft.file("<img src=x onerror=alert(1)>.txt", "text\n");
    draft.file("it's \"quoted\" & more.json", "{\"a\": \"</script><script>alert(1)</script>\"}\n");
    draft.file("page.html", "<!doctype html><script>parent.alert(1)</script><p>A page that a run stored.</p>\n");
    draft.file("drawing.svg", "<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>\n");
    draft.file("user\u{202e}gnp.txt", "a name that is written backwards\n");
    draft.file("notes.md", NOTE);
    draft.file("long word.txt", long_word);
    draft.file("javascript:alert(1)", "a name that looks like a link\n");
    draft
}
