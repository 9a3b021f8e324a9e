//! The server's figures for Prometheus.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use metrics::{Key, Label, Level, Metadata, Recorder, SharedString, Unit};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder};

/// Upper bounds of the latency histogram in seconds: a log call, a search, a large history, trouble.
const SECONDS: [f64; 8] = [0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10.0, 60.0];

const REQUESTS: &str = "windvane_http_requests_total";
const REQUEST_SECONDS: &str = "windvane_http_request_seconds";
const MEMORY: &str = "process_resident_memory_bytes";
const UPTIME: &str = "windvane_uptime_seconds";
const METADATA: Metadata<'static> = Metadata::new(module_path!(), Level::INFO, Some(module_path!()));

/// The figures of one server; cloning shares them. They are this server's own, not the process's, so that tests can have
/// several.
///
/// Labels come from fixed sets (route templates, known methods, status codes), so nothing a client sends makes a series.
#[derive(Clone)]
pub struct Metrics(Arc<Inner>);

struct Inner {
    recorder: PrometheusRecorder,
    handle: PrometheusHandle,
    started: Instant,
}

impl Metrics {
    /// Starts counting.
    #[expect(clippy::new_without_default, reason = "it notes the time, so two are not alike")]
    pub fn new() -> Self {
        let recorder = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Full(REQUEST_SECONDS.to_owned()), &SECONDS)
            .expect("there are buckets")
            .build_recorder();
        let describe = |text: &'static str| SharedString::const_str(text);
        recorder.describe_counter(REQUESTS.into(), Some(Unit::Count), describe("Requests that were answered."));
        recorder.describe_histogram(
            REQUEST_SECONDS.into(),
            Some(Unit::Seconds),
            describe("Time from the head of a request to the head of its answer."),
        );
        recorder.describe_gauge(MEMORY.into(), Some(Unit::Bytes), describe("Resident memory."));
        recorder.describe_gauge(UPTIME.into(), Some(Unit::Seconds), describe("Time since the start."));
        let handle = recorder.handle();
        Metrics(Arc::new(Inner { recorder, handle, started: Instant::now() }))
    }

    /// Counts an answered request. `route` is the template of a route, or a fixed word where there is none; methods that
    /// HTTP does not know count together.
    pub fn record(&self, route: &str, method: &str, status: u16, took: Duration) {
        let method = match method {
            known @ ("GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS") => known,
            _ => "other",
        };
        let route = Label::new("route", route.to_owned());
        let labels =
            vec![route.clone(), Label::new("method", method.to_owned()), Label::new("status", status.to_string())];
        let recorder = &self.0.recorder;
        recorder.register_counter(&Key::from_parts(REQUESTS, labels), &METADATA).increment(1);
        recorder
            .register_histogram(&Key::from_parts(REQUEST_SECONDS, vec![route]), &METADATA)
            .record(took.as_secs_f64());
    }

    /// Folds the samples that came since the last time into their histograms; until then each takes memory.
    pub fn upkeep(&self) {
        self.0.handle.run_upkeep();
    }

    /// All figures as text.
    pub fn render(&self) -> String {
        let recorder = &self.0.recorder;
        let gauge = |name| recorder.register_gauge(&Key::from_static_name(name), &METADATA);
        gauge(UPTIME).set(self.0.started.elapsed().as_secs_f64());
        if let Some(bytes) = resident_memory_bytes() {
            gauge(MEMORY).set(bytes as f64);
        }
        self.0.handle.render()
    }
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Metrics")
    }
}

/// From proc(5): the second number is the resident size in pages.
fn resident_memory_bytes() -> Option<u64> {
    let numbers = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = numbers.split(' ').nth(1)?.parse().ok()?;
    Some(pages * rustix::param::page_size() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_by_route_method_and_status_and_puts_unknown_methods_together() {
        let metrics = Metrics::new();

        metrics.record("/health", "GET", 200, Duration::from_millis(2));
        metrics.record("/health", "BREW", 405, Duration::from_millis(2));
        metrics.upkeep();
        let text = metrics.render();

        for line in [
            r#"windvane_http_requests_total{route="/health",method="GET",status="200"} 1"#,
            r#"windvane_http_requests_total{route="/health",method="other",status="405"} 1"#,
            r#"windvane_http_request_seconds_bucket{route="/health",le="0.001"} 0"#,
            r#"windvane_http_request_seconds_bucket{route="/health",le="0.005"} 2"#,
            r#"windvane_http_request_seconds_count{route="/health"} 2"#,
        ] {
            assert!(text.contains(line), "no {line} in\n{text}");
        }
    }

    #[test]
    fn tells_memory_and_uptime() {
        let text = Metrics::new().render();

        let memory = text.lines().find_map(|line| line.strip_prefix("process_resident_memory_bytes ")).unwrap();
        assert!(memory.parse::<f64>().unwrap() > 100_000.0);
        assert!(text.contains("\nwindvane_uptime_seconds "));
    }
}
