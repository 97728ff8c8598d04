//! Paths as identity providers write them: doubled and trailing slashes, `/scim` for `/scim/v2` (server rule 14).

use axum::http::{Request, Uri};

use crate::app::BASE_PATH;

/// The request with its path in the one form that the routes know.
pub(crate) fn normalise<B>(mut request: Request<B>) -> Request<B> {
    if let Some(path) = normal(request.uri().path()) {
        let query = request
            .uri()
            .query()
            .map(|query| format!("?{query}"))
            .unwrap_or_default();
        let mut parts = request.uri().clone().into_parts();
        if let Ok(path_and_query) = format!("{path}{query}").parse() {
            parts.path_and_query = Some(path_and_query);
            if let Ok(uri) = Uri::from_parts(parts) {
                *request.uri_mut() = uri;
            }
        }
    }
    request
}

/// The path's normal form, where it differs.
fn normal(path: &str) -> Option<String> {
    let is_short = path == "/scim" || (path.starts_with("/scim/") && !is_below(path, BASE_PATH));
    let is_odd = path.contains("//") || (path.len() > 1 && path.ends_with('/'));
    if !is_short && !is_odd {
        return None;
    }
    let mut normal = String::with_capacity(path.len() + 4);
    for segment in path.split('/').filter(|segment| !segment.is_empty()) {
        normal.push('/');
        normal.push_str(segment);
    }
    if is_below(&normal, "/scim") && !is_below(&normal, BASE_PATH) {
        normal.insert_str("/scim".len(), "/v2");
    }
    Some(if normal.is_empty() { "/".to_owned() } else { normal })
}

fn is_below(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::normal;

    #[test]
    fn every_form_becomes_one() {
        for odd in [
            "/scim/v2//Users",
            "/scim/v2/Users/",
            "//scim//v2/Users//",
            "/scim/Users",
            "/scim//Users/",
        ] {
            assert_eq!(normal(odd).as_deref(), Some("/scim/v2/Users"), "{odd}");
        }
        assert_eq!(normal("/scim/").as_deref(), Some("/scim/v2"));
        assert_eq!(normal("/scim/v2/Users/1"), None);
        assert_eq!(normal("/scimitar"), None);
        assert_eq!(normal("/"), None);
    }
}
