//! `GET /api/docs`: the API's description, for people.

use std::fmt::Write as _;

use axum::http::header;
use axum::response::{Html, IntoResponse, Response};
use serde_json::Value;

use super::API_PATH;
use super::openapi;

const STYLE: &str = "
:root { color-scheme: light dark; --line: #8884; --soft: #8882; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h2 { margin-top: 2.5rem; text-transform: capitalize; }
section { border-top: 1px solid var(--line); padding: .75rem 0; }
code { font: .9em ui-monospace, monospace; overflow-wrap: anywhere; }
.method { font-weight: 700; text-transform: uppercase; }
p { margin: .25rem 0; }
dl { margin: .25rem 0 .25rem 1rem; } dt { margin-top: .25rem; } dd { margin: 0 0 0 1.5rem; }
details { margin: .25rem 0; } pre { background: var(--soft); padding: .75rem; overflow-x: auto; border-radius: .3rem; }
";

/// The page: nothing in it is loaded from elsewhere.
pub(super) async fn page() -> Response {
    let headers = [
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'self'; frame-ancestors 'none'",
        ),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, Html(rendered(&openapi::document()))).into_response()
}

/// `GET /api/docs.css`
pub(super) async fn style() -> Response {
    ([(header::CONTENT_TYPE, "text/css")], STYLE).into_response()
}

fn rendered(document: &Value) -> String {
    let mut html = String::from(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>Provost management API</title><link rel=\"stylesheet\" href=\"docs.css\"><body><main><h1>Provost management API</h1>",
    );
    // Writing to a string cannot fail.
    let _ = write!(
        html,
        "<p>{} All paths are below <code>{API_PATH}</code>; send an API key as <code>Authorization: Bearer pvk_...</code>. The same \
         for programs: <a href=\"v1/openapi.json\">openapi.json</a>.</p>",
        escaped(&document["info"]["description"])
    );
    let mut tag = Value::Null;
    let paths = document["paths"].as_object().into_iter().flatten();
    let operations = paths.flat_map(|(path, methods)| {
        let methods = methods.as_object().into_iter().flatten();
        methods.map(move |(method, operation)| (path, method, operation))
    });
    for (path, method, operation) in operations {
        if operation["tags"][0] != tag {
            tag = operation["tags"][0].clone();
            let _ = write!(html, "<h2>{}</h2>", escaped(&tag));
        }
        let _ = write!(
            html,
            "<section id=\"{}\"><h3><span class=\"method\">{}</span> <code>{}</code></h3><p>{}</p><p>{}</p>",
            escaped(&operation["operationId"]),
            escape(method),
            escape(path),
            escaped(&operation["summary"]),
            escaped(&operation["description"]),
        );
        parameters(&mut html, operation);
        body(
            &mut html,
            document,
            "Takes",
            &operation["requestBody"]["content"]["application/json"]["schema"],
        );
        for (status, response) in operation["responses"].as_object().into_iter().flatten() {
            let heading = format!("Answers {status}");
            body(
                &mut html,
                document,
                &heading,
                &response["content"]["application/json"]["schema"],
            );
        }
        html.push_str("</section>");
    }
    html.push_str("</main></body></html>");
    html
}

fn parameters(html: &mut String, operation: &Value) {
    html.push_str("<dl>");
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        let _ = write!(
            html,
            "<dt><code>{}</code> <small>({})</small></dt><dd>{}</dd>",
            escaped(&parameter["name"]),
            escaped(&parameter["in"]),
            escaped(&parameter["description"]),
        );
    }
    html.push_str("</dl>");
}

fn body(html: &mut String, document: &Value, heading: &str, schema: &Value) {
    let Some(pointer) = schema["$ref"].as_str() else {
        return;
    };
    let shown = document.pointer(pointer.trim_start_matches('#'));
    let text = shown.map(|schema| serde_json::to_string_pretty(schema).unwrap_or_default());
    let name = pointer.rsplit('/').next().unwrap_or_default();
    let _ = write!(
        html,
        "<details><summary>{} {}</summary><pre>{}</pre></details>",
        escape(heading),
        escape(name),
        escape(&text.unwrap_or_default())
    );
}

fn escaped(value: &Value) -> String {
    escape(value.as_str().unwrap_or_default())
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('"', "&quot;")
}
