//! A real browser: headless Chromium, driven through `chromedriver` (the WebDriver protocol).

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use fantoccini::elements::Element;
use fantoccini::wd::{Capabilities, WebDriverCompatibleCommand};
use fantoccini::{ClientBuilder, Locator};
use serde_json::{Value, json};
use tempfile::TempDir;

/// How long something may take to appear.
const PATIENCE: Duration = Duration::from_secs(15);

/// A browser with a profile of its own; dropped, it is gone.
pub struct Browser {
    client: fantoccini::Client,
    /// The driver, which takes the browser with it.
    driver: Child,
    /// Where the driver listens.
    port: u16,
    /// Where it keeps its profile, and what is downloaded.
    folder: TempDir,
}

/// How pages are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

impl Browser {
    /// Starts one.
    pub async fn start() -> Self {
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver starts; scripts/test installs it");
        let port = port_of(&mut driver);
        let folder = tempfile::tempdir().unwrap();
        let capabilities = capabilities(folder.path());
        let client = ClientBuilder::new(hyper_util_connector())
            .capabilities(capabilities)
            .connect(&format!("http://127.0.0.1:{port}"))
            .await
            .expect("Chromium starts; scripts/test installs it");
        Self {
            client,
            driver,
            port,
            folder,
        }
    }

    /// Goes to an address.
    pub async fn go(&self, url: &str) {
        self.client.goto(url).await.unwrap();
    }

    /// The address of the page.
    pub async fn url(&self) -> String {
        self.client.current_url().await.unwrap().to_string()
    }

    /// Waits for an element.
    pub async fn find(&self, css: &str) -> Element {
        let waited = self
            .client
            .wait()
            .at_most(PATIENCE)
            .for_element(Locator::Css(css))
            .await;
        match waited {
            Ok(element) => element,
            Err(error) => panic!(
                "there is no {css} at {}: {error}\n{}",
                self.url().await,
                self.text().await
            ),
        }
    }

    /// How many elements there are.
    pub async fn count(&self, css: &str) -> usize {
        self.client.find_all(Locator::Css(css)).await.unwrap().len()
    }

    /// Presses a link, a button or the head of a menu by what stands on it.
    pub async fn press(&self, text: &str) {
        let path = format!(
            "//*[self::a or self::button or self::summary][normalize-space(.)={text:?}][not(ancestor::*[@hidden])]"
        );
        let waited = self
            .client
            .wait()
            .at_most(PATIENCE)
            .for_element(Locator::XPath(&path))
            .await;
        if let Err(error) = waited {
            panic!(
                "nothing says {text:?} at {}: {error}\n{}",
                self.url().await,
                self.text().await
            );
        }
        for element in self.client.find_all(Locator::XPath(&path)).await.unwrap() {
            if element.is_displayed().await.unwrap_or_default() {
                element.click().await.unwrap();
                return;
            }
        }
        panic!("{text:?} is not to be seen at {}", self.url().await);
    }

    /// Presses an element.
    pub async fn click(&self, css: &str) {
        self.find(css).await.click().await.unwrap();
    }

    /// Writes into a field, over what stands there.
    pub async fn fill(&self, css: &str, text: &str) {
        let field = self.find(css).await;
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    /// Presses keys where the focus is.
    pub async fn type_keys(&self, css: &str, keys: &str) {
        self.find(css).await.send_keys(keys).await.unwrap();
    }

    /// Chooses by what the option says.
    pub async fn choose(&self, css: &str, label: &str) {
        self.find(css).await.select_by_label(label).await.unwrap();
    }

    /// All text that is to be seen.
    pub async fn text(&self) -> String {
        match self.client.find(Locator::Css("body")).await {
            Ok(body) => body.text().await.unwrap_or_default(),
            Err(_) => String::new(),
        }
    }

    /// Waits until the page says something.
    pub async fn sees(&self, text: &str) {
        let mut seen = String::new();
        for _ in 0..150 {
            seen = self.text().await;
            if seen.contains(text) {
                return;
            }
            tokio::time::sleep(PATIENCE / 150).await;
        }
        panic!("{text:?} is not said at {}:\n{seen}", self.url().await);
    }

    /// Runs a script; gives what it returns.
    pub async fn run(&self, script: &str) -> Value {
        self.client.execute(script, Vec::new()).await.unwrap()
    }

    /// Runs a script that calls its last argument with what it gives.
    pub async fn run_later(&self, script: &str) -> Value {
        self.client.execute_async(script, Vec::new()).await.unwrap()
    }

    /// What the console of the page says that went wrong, such as what a policy forbids.
    pub async fn complaints(&self) -> Vec<String> {
        let command = Log;
        let found = self.client.issue_cmd(command).await.unwrap();
        let entries = found.as_array().cloned().unwrap_or_default();
        entries
            .iter()
            .filter_map(|entry| entry["message"].as_str().map(str::to_owned))
            .collect()
    }

    /// Asks the browser itself for something (the Chrome DevTools protocol).
    pub async fn devtools(&self, command: &str, parameters: Value) -> Value {
        let command = Devtools {
            command: command.to_owned(),
            parameters,
        };
        self.client.issue_cmd(command).await.unwrap()
    }

    /// Shows pages at this width and height, in this scheme.
    pub async fn look(&self, width: u32, height: u32, scheme: Scheme) {
        let metrics =
            json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600});
        self.devtools("Emulation.setDeviceMetricsOverride", metrics).await;
        let value = if scheme == Scheme::Dark { "dark" } else { "light" };
        let media = json!({"features": [{"name": "prefers-color-scheme", "value": value}]});
        self.devtools("Emulation.setEmulatedMedia", media).await;
    }

    /// The whole page as a PNG.
    pub async fn picture(&self) -> Vec<u8> {
        use base64::Engine as _;
        let asked = json!({"format": "png", "captureBeyondViewport": true});
        let found = self.devtools("Page.captureScreenshot", asked).await;
        let text = found["data"].as_str().unwrap();
        base64::engine::general_purpose::STANDARD.decode(text).unwrap()
    }

    /// What was downloaded, once it is whole: its name and its bytes.
    pub async fn downloaded(&self, ending: &str) -> Vec<u8> {
        let folder = self.folder.path().join("downloads");
        for _ in 0..150 {
            let files = std::fs::read_dir(&folder).into_iter().flatten().flatten();
            let mut whole = files.filter(|file| file.file_name().to_string_lossy().ends_with(ending));
            if let Some(file) = whole.next() {
                return std::fs::read(file.path()).unwrap();
            }
            tokio::time::sleep(PATIENCE / 150).await;
        }
        panic!("nothing that ends with {ending} was downloaded");
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Asked to, the driver ends the browser that it started; killed, it would leave it behind.
        if let Ok(mut stream) = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)) {
            drop(stream.set_read_timeout(Some(PATIENCE)));
            drop(write!(
                stream,
                "GET /shutdown HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
            ));
            drop(stream.read_to_end(&mut Vec::new()));
        }
        drop(self.driver.kill());
        drop(self.driver.wait());
    }
}

fn hyper_util_connector() -> hyper_util::client::legacy::connect::HttpConnector {
    hyper_util::client::legacy::connect::HttpConnector::new()
}

/// The port that the driver has chosen; what else it says is read away.
fn port_of(driver: &mut Child) -> u16 {
    let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
    let port = loop {
        let line = lines.next().expect("chromedriver says its port").unwrap();
        if let Some((_, port)) = line.split_once("successfully on port ") {
            break port.trim_end_matches('.').parse().unwrap();
        }
    };
    std::thread::spawn(move || lines.for_each(drop));
    port
}

fn capabilities(folder: &Path) -> Capabilities {
    let profile = format!("--user-data-dir={}", folder.join("profile").display());
    let downloads = folder.join("downloads").display().to_string();
    let options = json!({
        "args": [
            "--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--disable-quic", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-default-apps",
            "--force-color-profile=srgb", "--window-size=1440,900", profile,
        ],
        "prefs": {"download.default_directory": downloads, "profile.password_manager_leak_detection": false},
    });
    let all = json!({
        "browserName": "chrome",
        "goog:chromeOptions": options,
        "goog:loggingPrefs": {"browser": "WARNING"},
    });
    all.as_object().unwrap().clone()
}

/// `POST /session/{id}/goog/cdp/execute`
#[derive(Debug)]
struct Devtools {
    command: String,
    parameters: Value,
}

impl WebDriverCompatibleCommand for Devtools {
    fn endpoint(&self, base: &url::Url, session: Option<&str>) -> Result<url::Url, url::ParseError> {
        base.join(&format!(
            "session/{}/goog/cdp/execute",
            session.unwrap_or_default()
        ))
    }

    fn method_and_body(&self, _: &url::Url) -> (http::Method, Option<String>) {
        let body = json!({"cmd": self.command, "params": self.parameters});
        (http::Method::POST, Some(body.to_string()))
    }
}

/// `POST /session/{id}/se/log`
#[derive(Debug)]
struct Log;

impl WebDriverCompatibleCommand for Log {
    fn endpoint(&self, base: &url::Url, session: Option<&str>) -> Result<url::Url, url::ParseError> {
        base.join(&format!("session/{}/se/log", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &url::Url) -> (http::Method, Option<String>) {
        (http::Method::POST, Some(json!({"type": "browser"}).to_string()))
    }
}
