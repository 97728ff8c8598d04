//! SCIM over HTTP, as an identity provider speaks it.

use reqwest::header::HeaderMap;
use reqwest::{Method, RequestBuilder, Response};
use serde_json::Value;

/// Speaks with one token.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    /// The SCIM base URL, without a slash at its end.
    pub base: String,
    /// The token.
    pub token: String,
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// HTTP headers.
    pub headers: HeaderMap,
    /// The body's JSON; null where there is none.
    pub body: Value,
    /// The body as it came.
    pub text: String,
}

impl Client {
    pub(crate) fn new(base: &str, token: &str) -> Self {
        // A second call in one process finds the provider installed; that is the same one.
        drop(rustls::crypto::ring::default_provider().install_default());
        Self {
            http: reqwest::Client::builder().build().unwrap(),
            base: base.to_owned(),
            token: token.to_owned(),
        }
    }

    /// The same with another token.
    #[must_use]
    pub fn with_token(&self, token: &str) -> Self {
        Self::new(&self.base, token)
    }

    /// `GET`.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, None).await
    }

    /// `POST` with a JSON body.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::POST, path, Some(body)).await
    }

    /// `PUT` with a JSON body.
    pub async fn put(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::PUT, path, Some(body)).await
    }

    /// `PATCH` with a JSON body.
    pub async fn patch(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::PATCH, path, Some(body)).await
    }

    /// `DELETE`.
    pub async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, None).await
    }

    /// Creates the user, who must be new; gives the resource.
    pub async fn create(&self, user: &Value) -> Value {
        self.post("/Users", user).await.expect(201)
    }

    /// The users that a filter finds, with the list's total.
    pub async fn find(&self, filter: &str) -> Vec<Value> {
        let url = reqwest::Url::parse_with_params("http://x/", [("filter", filter)]).unwrap();
        let path = format!("/Users?{}", url.query().unwrap());
        let list = self.get(&path).await.expect(200);
        let found = list["Resources"].as_array().unwrap().clone();
        assert_eq!(list["totalResults"], found.len(), "{list}");
        found
    }

    /// A request to the path below the base URL, with the token, to add to.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http
            .request(method, format!("{}{path}", self.base))
            .bearer_auth(&self.token)
    }

    /// A request to any URL, without a token.
    pub fn bare(&self, method: Method, url: &str) -> RequestBuilder {
        self.http.request(method, url)
    }

    async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Answer {
        let mut request = self.request(method, path);
        if let Some(body) = body {
            request = request
                .header("Content-Type", "application/scim+json; charset=utf-8")
                .body(body.to_string());
        }
        Answer::of(request.send().await.unwrap()).await
    }
}

impl Answer {
    /// Reads the whole answer.
    pub async fn of(response: Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.unwrap();
        let body = if text.is_empty() {
            Value::Null
        } else {
            serde_json::from_str(&text).unwrap_or(Value::Null)
        };
        Self {
            status,
            headers,
            body,
            text,
        }
    }

    /// The body, where the status is as expected.
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        self.body
    }

    /// The detail, where this is a SCIM error of that status and type.
    #[track_caller]
    pub fn refused(self, status: u16, scim_type: &str) -> String {
        assert_eq!(self.status, status, "{}", self.text);
        assert_eq!(
            self.headers["content-type"], "application/scim+json",
            "{}",
            self.text
        );
        assert_eq!(self.body["status"], status.to_string());
        assert_eq!(
            self.body["schemas"][0],
            "urn:ietf:params:scim:api:messages:2.0:Error"
        );
        assert_eq!(
            self.body["scimType"].as_str().unwrap_or(""),
            scim_type,
            "{}",
            self.text
        );
        self.body["detail"].as_str().unwrap().to_owned()
    }
}
