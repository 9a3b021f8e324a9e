//! The web pages that the binary carries: `/`, those of accounts, and `/static-files/…`.
//!
//! The set of files is fixed when the binary is compiled (`build.rs` says which), so a path is only ever looked up in
//! it and cannot lead anywhere else. Each file lies there three times, plain and compressed with Brotli and gzip; what
//! is sent is the smallest that the client takes. Nothing here compresses anything, and a release build reads no disk.

use axum::{
    body::Body,
    extract::Path,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use rust_embed::{EmbeddedFile, RustEmbed};

/// The pages that `build.rs` chose: `index.html`, `account.html` and `static-files/*`, each with `.br` and `.gz` beside it.
#[derive(RustEmbed)]
#[folder = "$PAGES_FOLDER"]
struct Pages;

/// Compressed forms, best first: the token of `Accept-Encoding` and the ending of the file.
const CODINGS: [(&str, &str); 2] = [("br", ".br"), ("gzip", ".gz")];

/// The names below `static-files/` carry a hash of their content, so what was fetched once is right for ever.
const FOR_EVER: &str = "public, max-age=31536000, immutable";
/// The page's name stays while its content changes, so a copy must be asked about before it is shown again.
const ASK_FIRST: &str = "no-cache";

/// Sent with every page and file: nothing from elsewhere, nothing inline, no foreign frame around it.
const HEADERS: [(HeaderName, &str); 3] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'self'; img-src 'self' data: blob:; style-src 'self'; frame-src 'self' blob:; \
         frame-ancestors 'self'; base-uri 'none'; form-action 'self'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "same-origin"),
];

/// `GET /`
///
/// Takes no caller: the page holds nothing of what is recorded, its script asks for that with the caller's rights.
pub async fn page(headers: HeaderMap) -> Response {
    serve::<Pages>("index.html", ASK_FIRST, &headers)
}

/// `GET /login`, `GET /seed`, `GET /tokens`: one page, whose script sees by the address which of them it is.
///
/// Takes no caller, as [`page`].
pub async fn account_page(headers: HeaderMap) -> Response {
    serve::<Pages>("account.html", ASK_FIRST, &headers)
}

/// `GET /static-files/{*path}`
///
/// Takes no caller, as [`page`].
pub async fn file(Path(name): Path<String>, headers: HeaderMap) -> Response {
    // They lie in one folder. A debug build looks for them on the disk, where a path could lead on.
    if name.contains('/') {
        return not_found();
    }
    serve::<Pages>(&format!("static-files/{name}"), FOR_EVER, &headers)
}

/// The file of this name in the best form that the request accepts, 304 when the client has it, 404 when there is none.
fn serve<Files: RustEmbed>(name: &str, cache: &'static str, request: &HeaderMap) -> Response {
    let Some((file, coding)) = find::<Files>(name, request) else { return not_found() };
    let entity_tag = entity_tag(&file);
    let mut response = if has_current(request, &entity_tag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        full(name, file, coding)
    };
    let answer = response.headers_mut();
    answer.insert(header::ETAG, entity_tag);
    answer.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    answer.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    for (name, value) in HEADERS {
        answer.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// The best form of a file, and the coding it is in.
fn find<Files: RustEmbed>(name: &str, request: &HeaderMap) -> Option<(EmbeddedFile, Option<&'static str>)> {
    let plain = Files::get(name)?;
    let compressed = CODINGS
        .into_iter()
        .filter(|(coding, _)| accepts(request, coding))
        .find_map(|(coding, ending)| Some((Files::get(&format!("{name}{ending}"))?, Some(coding))));
    Some(compressed.unwrap_or((plain, None)))
}

fn full(name: &str, file: EmbeddedFile, coding: Option<&'static str>) -> Response {
    let mut response = Response::new(Body::from(file.data));
    response.headers_mut().insert(header::CONTENT_TYPE, content_type(name));
    if let Some(coding) = coding {
        response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding));
    }
    response
}

fn not_found() -> Response {
    let mut response = (StatusCode::NOT_FOUND, "There is no such file.\n").into_response();
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// The type by the name's ending. Text is UTF-8: we wrote it.
fn content_type(name: &str) -> HeaderValue {
    let guessed = mime_guess::from_path(name).first_or_octet_stream();
    let text = guessed.type_() == mime_guess::mime::TEXT || guessed.subtype() == mime_guess::mime::JAVASCRIPT;
    let value = if text { format!("{}; charset=utf-8", guessed.essence_str()) } else { guessed.to_string() };
    HeaderValue::try_from(value).expect("a media type is visible ASCII")
}

/// A strong tag: each form of a file has its own, as RFC 9110 section 8.8.3.3 asks for.
fn entity_tag(file: &EmbeddedFile) -> HeaderValue {
    let hash = file.metadata.sha256_hash();
    let digits: String = hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    HeaderValue::try_from(format!("\"{digits}\"")).expect("hexadecimal digits in quotes")
}

/// Whether the client has this very form of the file (`If-None-Match`, compared weakly as RFC 9110 section 13.1.2 says).
fn has_current(request: &HeaderMap, entity_tag: &HeaderValue) -> bool {
    items(request, header::IF_NONE_MATCH)
        .any(|item| item == "*" || item.strip_prefix("W/").unwrap_or(item).as_bytes() == entity_tag.as_bytes())
}

/// Whether the client takes this coding (`Accept-Encoding`, RFC 9110 section 12.5.3). What it names decides; `*` speaks
/// for the rest. Without the header only the plain form is safe.
fn accepts(request: &HeaderMap, coding: &str) -> bool {
    let weight_of = |wanted: &str| {
        items(request, header::ACCEPT_ENCODING).find_map(|item| {
            let (name, parameters) = item.split_once(';').unwrap_or((item, ""));
            name.trim_end().eq_ignore_ascii_case(wanted).then(|| weight(parameters))
        })
    };
    weight_of(coding).or_else(|| weight_of("*")).is_some_and(|weight| weight > 0.0)
}

/// The number of `q=0.5`; 1 where there is none or it makes no sense, for the client did name the coding.
fn weight(parameters: &str) -> f32 {
    parameters.trim().strip_prefix(['q', 'Q']).and_then(|rest| rest.strip_prefix('=')?.parse().ok()).unwrap_or(1.0)
}

/// The comma-separated items of a header that may be sent several times.
fn items(request: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &str> {
    request
        .get_all(name)
        .into_iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|list| list.split(','))
        .map(str::trim)
}

#[cfg(test)]
mod tests {
    use axum::{Router, body::to_bytes, http::Request, routing::get};
    use tower::ServiceExt;

    use super::*;

    /// Files whose forms differ in content, so that a test sees which was sent.
    #[derive(RustEmbed)]
    #[folder = "tests/fixtures/ui"]
    struct Sample;

    fn request(headers: &[(HeaderName, &str)]) -> HeaderMap {
        headers.iter().map(|(name, value)| (name.clone(), HeaderValue::try_from(*value).unwrap())).collect()
    }

    async fn text(response: Response) -> String {
        String::from_utf8(to_bytes(response.into_body(), usize::MAX).await.unwrap().to_vec()).unwrap()
    }

    async fn get_path(path: &str) -> Response {
        let router = Router::new()
            .route("/", get(page))
            .route("/login", get(account_page))
            .route("/static-files/{*path}", get(file));
        router.oneshot(Request::get(path).body(Body::empty()).unwrap()).await.unwrap()
    }

    /// The names below `static-files/` that a page may refer to.
    fn plain_files() -> Vec<String> {
        let compressed = |name: &str| CODINGS.iter().any(|(_, ending)| name.ends_with(ending));
        Pages::iter().filter(|name| name.starts_with("static-files/") && !compressed(name)).map(String::from).collect()
    }

    #[tokio::test]
    async fn the_smallest_form_that_the_client_takes_is_sent() {
        for (accept, coding, body) in [
            ("gzip, deflate, br, zstd", Some("br"), "brotli form\n"),
            ("gzip, deflate", Some("gzip"), "gzip form\n"),
            ("GZIP;q=0.5", Some("gzip"), "gzip form\n"),
            ("br;q=0, gzip; q=0.1", Some("gzip"), "gzip form\n"),
            ("*", Some("br"), "brotli form\n"),
            ("br;q=0.000, *", Some("gzip"), "gzip form\n"),
            ("*;q=0", None, "plain form\n"),
            ("identity", None, "plain form\n"),
            ("", None, "plain form\n"),
        ] {
            let response = serve::<Sample>("index.html", ASK_FIRST, &request(&[(header::ACCEPT_ENCODING, accept)]));

            let sent = response.headers().get(header::CONTENT_ENCODING).map(|value| value.to_str().unwrap().to_owned());
            assert_eq!(sent.as_deref(), coding, "Accept-Encoding: {accept}");
            assert_eq!(response.headers()[header::VARY], "accept-encoding");
            assert_eq!(response.headers()[header::CONTENT_TYPE], "text/html; charset=utf-8");
            assert_eq!(text(response).await, body, "Accept-Encoding: {accept}");
        }
    }

    #[tokio::test]
    async fn a_file_without_compressed_forms_is_sent_plain() {
        let response =
            serve::<Sample>("static-files/plain.css", FOR_EVER, &request(&[(header::ACCEPT_ENCODING, "br, gzip")]));

        assert_eq!(response.headers().get(header::CONTENT_ENCODING), None);
        assert_eq!(text(response).await, "/* plain form */\n");
    }

    #[tokio::test]
    async fn a_client_that_has_the_page_gets_304_without_a_body() {
        let first = serve::<Sample>("index.html", ASK_FIRST, &HeaderMap::new());
        let entity_tag = first.headers()[header::ETAG].to_str().unwrap().to_owned();
        let weak = format!("W/{entity_tag}");
        let among_others = format!("\"other\", {entity_tag}");

        for known in [entity_tag.as_str(), &weak, &among_others, "*"] {
            let again = serve::<Sample>("index.html", ASK_FIRST, &request(&[(header::IF_NONE_MATCH, known)]));

            assert_eq!(again.status(), StatusCode::NOT_MODIFIED, "If-None-Match: {known}");
            assert_eq!(again.headers()[header::ETAG], entity_tag.as_str());
            assert_eq!(again.headers()[header::CACHE_CONTROL], ASK_FIRST);
            assert_eq!(text(again).await, "");
        }
    }

    #[test]
    fn a_client_that_has_another_form_gets_the_page() {
        let plain = serve::<Sample>("index.html", ASK_FIRST, &HeaderMap::new());
        let entity_tag = plain.headers()[header::ETAG].to_str().unwrap();

        let answer = serve::<Sample>(
            "index.html",
            ASK_FIRST,
            &request(&[(header::IF_NONE_MATCH, entity_tag), (header::ACCEPT_ENCODING, "br")]),
        );

        assert_eq!(answer.status(), StatusCode::OK);
        assert_ne!(answer.headers()[header::ETAG], entity_tag);
    }

    #[tokio::test]
    async fn a_page_is_asked_about_each_time_and_allows_nothing_from_elsewhere() {
        for path in ["/", "/login"] {
            let response = get_path(path).await;

            assert_eq!(response.status(), StatusCode::OK, "{path}");
            assert_eq!(response.headers()[header::CACHE_CONTROL], "no-cache");
            assert_eq!(response.headers()[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
            assert_eq!(response.headers()[header::REFERRER_POLICY], "same-origin");
            let policy = response.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap().to_owned();
            assert!(policy.starts_with("default-src 'self';") && !policy.contains("unsafe"), "{policy}");
            assert!(text(response).await.contains("<title>Windvane</title>"), "{path}");
        }
    }

    #[tokio::test]
    async fn all_that_a_page_refers_to_is_there_and_kept_for_ever() {
        for page in ["/", "/login"] {
            let html = text(get_path(page).await).await;
            let parts = html.split(['"', '\'']);
            let references: Vec<&str> = parts.filter(|part| part.starts_with("static-files/")).collect();

            assert_eq!(references.is_empty(), plain_files().is_empty(), "{page} uses the files that were built");
            for reference in references {
                let response = get_path(&format!("/{reference}")).await;
                assert_eq!(response.status(), StatusCode::OK, "{page}: {reference}");
                assert_eq!(response.headers()[header::CACHE_CONTROL], FOR_EVER, "{page}: {reference}");
            }
        }
    }

    #[test]
    fn types_are_those_a_browser_insists_on() {
        for (name, expected) in [
            ("index.html", "text/html; charset=utf-8"),
            ("main-1A2B.js", "text/javascript; charset=utf-8"),
            ("page-1A2B.css", "text/css; charset=utf-8"),
            ("icon-1A2B.svg", "image/svg+xml"),
            ("unknown", "application/octet-stream"),
        ] {
            assert_eq!(content_type(name), expected, "{name}");
        }
    }

    #[tokio::test]
    async fn a_path_that_leads_elsewhere_is_just_no_file() {
        for path in [
            "/static-files/none.js",
            "/static-files/../index.html",
            "/static-files/%2e%2e/index.html",
            "/static-files/..%2findex.html",
            "/static-files//etc/passwd",
            "/static-files/%2Fetc%2Fpasswd",
            "/static-files/%00",
        ] {
            let response = get_path(path).await;

            assert_eq!(response.status(), StatusCode::NOT_FOUND, "{path}");
            assert_eq!(response.headers()[header::CONTENT_TYPE], "text/plain; charset=utf-8", "{path}");
            assert_eq!(response.headers()[header::X_CONTENT_TYPE_OPTIONS], "nosniff", "{path}");
            assert_eq!(text(response).await, "There is no such file.\n", "{path}");
        }
    }
}
