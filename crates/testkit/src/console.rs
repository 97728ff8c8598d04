//! The console as a browser without scripts uses it: pages, forms and cookies over HTTP.

use std::collections::BTreeMap;
use std::sync::Mutex;

use reqwest::redirect::Policy;
use reqwest::{Method, RequestBuilder};

use crate::{Answer, Provost};

/// The password that people of tests choose.
pub const PASSWORD: &str = "correct horse battery";

/// Somebody at a browser.
pub struct Console {
    http: reqwest::Client,
    root: String,
    cookies: Mutex<BTreeMap<String, String>>,
}

impl Console {
    /// Somebody who has not signed in.
    pub fn stranger(provost: &Provost) -> Self {
        Self::at(&provost.client.base)
    }

    /// Somebody who has not signed in to the server with this SCIM base URL.
    pub fn at(base: &str) -> Self {
        let http = reqwest::Client::builder()
            .redirect(Policy::none())
            .build()
            .unwrap();
        Self {
            http,
            root: base.trim_end_matches("/scim/v2").to_owned(),
            cookies: Mutex::default(),
        }
    }

    /// The first owner, who has just joined as `ada@example.com`.
    pub async fn owner(provost: &Provost) -> Self {
        let console = Self::stranger(provost);
        let fields = [("email", "ada@example.com")];
        console.join(&provost.invitation, &fields).await;
        console
    }

    /// Accepts an invitation.
    pub async fn join(&self, invitation: &str, more: &[(&str, &str)]) {
        let page = self.get(&format!("/console/invitation?token={invitation}")).await;
        assert_eq!(page.status, 200, "{}", page.text);
        let form = value_of(&page.text, "form");
        let fields = [
            &[
                ("form", form.as_str()),
                ("token", invitation),
                ("password", PASSWORD),
                ("again", PASSWORD),
            ],
            more,
        ];
        let answer = self.submit("/console/invitation", &fields.concat()).await;
        assert_eq!(answer.status, 303, "{}", answer.text);
    }

    /// A page.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path)).await
    }

    /// A page that must be there; its text.
    pub async fn page(&self, path: &str) -> String {
        let answer = self.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        answer.text
    }

    /// Sends a form with exactly these fields.
    pub async fn submit(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        let request = self
            .request(Method::POST, path)
            .header("Content-Type", "application/x-www-form-urlencoded")
            .body(body);
        self.send(request).await
    }

    /// Sends a form as a page of the session does.
    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let csrf = value_of(&self.page("/console/account").await, "csrf");
        self.submit(path, &[&[("csrf", csrf.as_str())], fields].concat())
            .await
    }

    /// A request with the cookies.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let cookies = self.cookies.lock().unwrap();
        let pairs: Vec<_> = cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let request = self.http.request(method, format!("{}{path}", self.root));
        if pairs.is_empty() {
            request
        } else {
            request.header("Cookie", pairs.join("; "))
        }
    }

    async fn send(&self, request: RequestBuilder) -> Answer {
        let answer = Answer::of(request.send().await.unwrap()).await;
        for header in answer.headers.get_all("set-cookie") {
            let cookie = header.to_str().unwrap();
            let (name, rest) = cookie.split_once('=').unwrap();
            let value = rest.split(';').next().unwrap_or_default();
            self.cookies
                .lock()
                .unwrap()
                .insert(name.to_owned(), value.to_owned());
        }
        answer
    }
}

/// The value of a hidden field of a page.
pub fn value_of(page: &str, field: &str) -> String {
    let start = format!("name=\"{field}\" value=\"");
    let (_, rest) = page
        .split_once(&start)
        .unwrap_or_else(|| panic!("no field {field}:\n{page}"));
    rest.split('"').next().unwrap_or_default().to_owned()
}
