//! The console's pages over HTTP, without scripts: who may see and do what, what is shown, and what is downloaded.

use reqwest::Method;
use scim::AttributePath;
use serde_json::json;
use service::settings::profiles::ProfileChange;
use testkit::{Answer, Console, PASSWORD, Provost, person, value_of};

use crate::{id, path, start};

/// Pages and forms for whoever has not signed in.
const OPEN: [(&str, &str); 4] = [
    ("get", "/console/sign-in"),
    ("post", "/console/sign-in"),
    ("get", "/console/invitation"),
    ("post", "/console/invitation"),
];
/// Forms that an auditor may send: they change nothing, or what is the person's own.
const HARMLESS: [&str; 8] = [
    "/console/mappings/check",
    "/console/mappings/preview",
    "/console/mappings/try",
    "/console/account/password",
    "/console/account/codes",
    "/console/account/codes/end",
    "/console/account/sessions/{session}/end",
    "/console/sign-out",
];

/// A path with something in the places of its parameters.
fn filled(path: &str) -> String {
    let parts = path
        .split('/')
        .map(|part| if part.starts_with('{') { "x" } else { part });
    parts.collect::<Vec<_>>().join("/")
}

/// Invites somebody, who joins.
async fn joined(owner: &Console, provost: &Provost, email: &str, fields: &[(&str, &str)]) -> Console {
    let more = [&[("email", email), ("password", PASSWORD)], fields].concat();
    let page = owner.post("/console/settings/administrators", &more).await;
    assert_eq!(page.status, 200, "{}", page.text);
    let (_, rest) = page.text.split_once("invitation?token=").unwrap();
    let token = rest.split('<').next().unwrap().to_owned();
    let console = Console::stranger(provost);
    console.join(&token, &[("email", email)]).await;
    console
}

fn leads_to(answer: &Answer) -> &str {
    answer.headers["location"].to_str().unwrap()
}

#[tokio::test]
async fn every_page_leads_a_stranger_to_sign_in_and_no_form_does_anything() {
    let provost = start().await;
    let stranger = Console::stranger(&provost);
    for &(method, path) in server::CONSOLE_PAGES {
        if OPEN.contains(&(method, path)) {
            continue;
        }
        let answer = match method {
            "get" => stranger.get(&filled(path)).await,
            _ => {
                stranger
                    .submit(&filled(path), &[("csrf", "guess"), ("name", "x")])
                    .await
            }
        };
        assert_eq!(answer.status, 303, "{method} {path}: {}", answer.text);
        assert!(leads_to(&answer).starts_with("/console/sign-in?next="), "{path}");
    }
    assert!(server::CONSOLE_PAGES.len() > 80);
}

#[tokio::test]
async fn a_form_without_the_sessions_secret_changes_nothing() {
    let provost = start().await;
    let owner = Console::owner(&provost).await;
    let user = provost.client.create(&person("ava")).await;
    let before = provost.events().len();
    for &(method, path) in server::CONSOLE_PAGES {
        if method == "get" || OPEN.contains(&(method, path)) {
            continue;
        }
        let path = filled(path).replace("/users/x/", &format!("/users/{}/", id(&user)));
        for fields in [&[][..], &[("csrf", "pvs_guess"), ("name", "x")]] {
            let answer = owner.submit(&path, fields).await;
            assert_eq!(answer.status, 403, "{path}: {}", answer.text);
        }
    }
    assert_eq!(provost.events().len(), before);
    assert_eq!(provost.user("ava@example.com")["status"], "active");
}

#[tokio::test]
async fn an_auditor_sees_the_pages_and_changes_nothing_by_them() {
    let provost = start().await;
    let owner = Console::owner(&provost).await;
    let auditor = joined(&owner, &provost, "aud@example.com", &[("role", "auditor")]).await;
    provost.client.create(&person("ava")).await;
    let before = provost.events().len();
    for &(method, path) in server::CONSOLE_PAGES {
        if method == "get" || OPEN.contains(&(method, path)) || HARMLESS.contains(&path) {
            continue;
        }
        let answer = auditor
            .post(&filled(path), &[("name", "x"), ("connection", "x"), ("at", "1")])
            .await;
        assert_eq!(answer.status, 403, "{path}: {}", answer.text);
    }
    assert_eq!(provost.events().len(), before);
    let page = auditor.page("/console/users").await;
    assert!(page.contains("ava@example.com") && !page.contains("Add a user"));
    assert!(
        auditor
            .page("/console/activity/audit")
            .await
            .contains("was created")
    );
}

#[tokio::test]
async fn who_deals_with_some_profiles_sees_no_others() {
    let provost = start().await;
    provost.profile("Gold", ProfileChange::default()).await;
    let owner = Console::owner(&provost).await;
    let limited = joined(
        &owner,
        &provost,
        "h@example.com",
        &[("role", "helpdesk"), ("limit", "some"), ("profiles", "Gold")],
    )
    .await;
    let user = provost.client.create(&person("ava")).await;
    let page = limited.page("/console/users").await;
    assert!(!page.contains("ava@example.com"), "{page}");
    let by_name = limited.get("/console/users/ava@example.com").await;
    assert_eq!(by_name.status, 404);
    let own = path(&user);
    let own = own.rsplit('/').next().unwrap();
    assert!(
        !by_name.text.contains(own),
        "that there is one is not theirs to know: {}",
        by_name.text
    );
    assert!(
        !limited
            .page("/console/reports/provisioning")
            .await
            .contains("ava@example.com")
    );
    let file = limited
        .get("/console/reports/provisioning/download?format=csv")
        .await;
    assert!(!file.text.contains("ava@example.com") && file.text.contains("User name"));
    assert_eq!(
        limited
            .get(&format!("/console{}", path(&user).to_lowercase()))
            .await
            .status,
        404
    );
    let overview = limited.get("/console").await;
    assert_eq!((overview.status, leads_to(&overview)), (303, "/console/users"));
    for whole in [
        "/console/groups",
        "/console/mappings/Everyone",
        "/console/activity",
        "/console/settings",
        "/console/reports/weekly",
    ] {
        assert_eq!(limited.get(whole).await.status, 403, "{whole}");
    }
}

#[tokio::test]
async fn the_first_link_makes_an_owner_and_works_once() {
    let provost = start().await;
    let stranger = Console::stranger(&provost);
    let path = format!("/console/invitation?token={}", provost.invitation);
    let page = stranger.page(&path).await;
    let form = value_of(&page, "form");
    let mut fields = vec![
        ("form", form.as_str()),
        ("token", provost.invitation.as_str()),
        ("email", "ada@example.com"),
        ("password", "password1234"),
        ("again", "password1234"),
    ];
    let weak = stranger.submit("/console/invitation", &fields).await;
    assert_eq!(weak.status, 400);
    assert!(weak.text.contains("everybody tries first") && weak.text.contains("ada@example.com"));
    fields[3].1 = PASSWORD;
    let different = stranger.submit("/console/invitation", &fields).await;
    assert!(different.text.contains("not the same"), "{}", different.text);
    fields[4].1 = PASSWORD;
    fields[2].1 = "ada";
    let none = stranger.submit("/console/invitation", &fields).await;
    assert!(none.text.contains("is no e-mail address"), "{}", none.text);
    fields[2].1 = "ada@example.com";
    let in_now = stranger.submit("/console/invitation", &fields).await;
    assert_eq!((in_now.status, leads_to(&in_now)), (303, "/console/"));
    let cookie = in_now.headers["set-cookie"].to_str().unwrap();
    for flag in ["HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(cookie.contains(flag), "{cookie}");
    }
    assert!(stranger.page("/console/").await.contains("Overview"));
    assert_eq!(Console::stranger(&provost).get(&path).await.status, 410);
    let elsewhere = Console::stranger(&provost);
    let refused = elsewhere.submit("/console/invitation", &fields).await;
    assert_eq!(refused.status, 403, "a form that was not opened in this browser");
}

#[tokio::test]
async fn signing_in_by_the_page_leads_back_and_never_elsewhere() {
    let provost = start().await;
    drop(Console::owner(&provost).await);
    for (next, to) in [
        ("/console/users?status=held", "/console/users?status=held"),
        ("//evil.example/", "/console/"),
        ("https://evil.example/", "/console/"),
    ] {
        let stranger = Console::stranger(&provost);
        let page = stranger.page("/console/sign-in").await;
        let form = value_of(&page, "form");
        let mut fields = [
            ("form", form.as_str()),
            ("email", "ada@example.com"),
            ("password", "wrong horse"),
            ("next", next),
        ];
        let wrong = stranger.submit("/console/sign-in", &fields).await;
        assert_eq!(wrong.status, 401);
        fields[1].1 = "nobody@example.com";
        let unknown = stranger.submit("/console/sign-in", &fields).await;
        let said = |answer: &Answer| answer.text.replace("nobody@example.com", "ada@example.com");
        assert_eq!(
            said(&wrong),
            said(&unknown),
            "the same is told of somebody who is not there"
        );
        fields[1].1 = "ada@example.com";
        fields[2].1 = PASSWORD;
        let answer = stranger.submit("/console/sign-in", &fields).await;
        assert_eq!((answer.status, leads_to(&answer)), (303, to));
        let out = stranger.post("/console/sign-out", &[]).await;
        assert_eq!(leads_to(&out), "/console/sign-in?done=signed-out");
        assert_eq!(stranger.get("/console/users").await.status, 303);
    }
}

#[tokio::test]
async fn a_link_of_another_site_finds_the_session_on_the_second_look() {
    let provost = start().await;
    let stranger = Console::stranger(&provost);
    let request = stranger
        .request(Method::GET, "/console/users")
        .header("Sec-Fetch-Site", "cross-site");
    let answer = Answer::of(request.send().await.unwrap()).await;
    assert_eq!(answer.status, 200);
    assert!(answer.text.contains("http-equiv=\"refresh\""), "{}", answer.text);
}

#[tokio::test]
async fn pages_bring_nothing_from_elsewhere_and_obey_no_name() {
    let provost = start().await;
    let owner = Console::owner(&provost).await;
    let mut odd = person("odd");
    odd["displayName"] = json!("<script>alert(1)</script>\u{202e}gpj.exe");
    odd["title"] = json!("\"><img src=x onerror=alert(1)>");
    let user = provost.client.create(&odd).await;
    let refused = json!({"userName": "<b>bold</b>\u{202e}", "externalId": "e"});
    provost.without_everyone().await;
    provost.client.post("/Users", &refused).await.expect(400);
    tokio::time::sleep(std::time::Duration::from_millis(1500)).await;
    let of_user = format!("/console/users/{}", id(&user));
    for page in [
        "/console/",
        "/console/users",
        &of_user,
        "/console/activity",
        "/console/activity/log",
        "/console/activity/audit",
    ] {
        let answer = owner.get(page).await;
        assert_eq!(answer.status, 200, "{page}");
        let policy = answer.headers["content-security-policy"].to_str().unwrap();
        assert!(
            policy.contains("default-src 'none'") && !policy.contains("unsafe"),
            "{policy}"
        );
        for (name, value) in [
            ("x-frame-options", "DENY"),
            ("x-content-type-options", "nosniff"),
            ("cache-control", "no-store"),
        ] {
            assert_eq!(answer.headers[name], value, "{page}");
        }
        for foul in [
            "<script>alert",
            "<img src=x",
            "<b>bold",
            "\u{202e}",
            "http://",
            "https://",
            " style=",
            " onclick=",
        ] {
            assert!(!answer.text.contains(foul), "{page} has {foul:?}");
        }
    }
    let shown = owner.page(&of_user).await;
    assert!(
        shown.contains("script&#62;alert(1)") || shown.contains("_script_alert(1)_"),
        "{shown}"
    );
}

#[tokio::test]
async fn a_page_with_all_that_it_brings_is_light() {
    let provost = start().await;
    let owner = Console::owner(&provost).await;
    for number in 0..60 {
        provost.client.create(&person(&format!("somebody{number}"))).await;
    }
    let page = owner.page("/console/users").await;
    let mut bytes = page.len();
    let assets: Vec<_> = page
        .split(['"', '\''])
        .filter(|part| part.starts_with("/console/assets/"))
        .collect();
    let mut seen = std::collections::BTreeSet::new();
    for asset in assets.into_iter().filter(|asset| seen.insert(*asset)) {
        let answer = owner.get(asset).await;
        assert_eq!(answer.status, 200, "{asset}");
        assert!(
            answer.headers["cache-control"]
                .to_str()
                .unwrap()
                .contains("immutable")
        );
        bytes += answer.text.len();
    }
    assert!(seen.len() >= 4 && bytes < 150 * 1024, "{bytes} bytes, {seen:?}");
}

#[tokio::test]
async fn an_administrator_deals_with_a_user_by_its_page() {
    let provost = start().await;
    provost.profile("Gold", ProfileChange::default()).await;
    let owner = Console::owner(&provost).await;
    let user = provost.client.create(&person("ava")).await;
    let page = format!("/console/users/{}", id(&user));
    let done = owner.post(&format!("{page}/preserve"), &[]).await;
    assert_eq!(leads_to(&done), format!("{page}?done=preserved"));
    assert!(
        owner
            .page(leads_to(&done))
            .await
            .contains("The account is preserved.")
    );
    assert_eq!(provost.user("ava@example.com")["hold"], "administrator");
    let done = owner.post(&format!("{page}/activate"), &[]).await;
    assert_eq!(leads_to(&done), format!("{page}?done=activated"));
    let done = owner
        .post(&format!("{page}/place"), &[("profile", "Gold"), ("quota", "5GB")])
        .await;
    assert_eq!(done.status, 303, "{}", done.text);
    let shown = provost.user("ava@example.com");
    assert_eq!(
        (&shown["profile"], &shown["quota"]),
        (&json!("Gold"), &json!(5_000_000_000_u64))
    );
    let bad = owner.post(&format!("{page}/place"), &[("quota", "much")]).await;
    assert!(
        bad.status == 409 && bad.text.contains("is no size"),
        "{}",
        bad.text
    );
    let short = owner
        .post(&format!("{page}/delete"), &[("reason", "short")])
        .await;
    assert!(
        short.status == 409 && short.text.contains("10 to 150 characters"),
        "{}",
        short.text
    );
    owner.post(&format!("{page}/legal-hold"), &[("hold", "on")]).await;
    let held = owner
        .post(
            &format!("{page}/delete"),
            &[("reason", "asked for in ticket 4711")],
        )
        .await;
    assert!(
        held.status == 409 && held.text.contains("legal hold"),
        "{}",
        held.text
    );
    owner
        .post(&format!("{page}/legal-hold"), &[("hold", "off")])
        .await;
    let gone = owner
        .post(
            &format!("{page}/delete"),
            &[("reason", "asked for in ticket 4711")],
        )
        .await;
    assert_eq!(leads_to(&gone), "/console/users?done=purged");
    assert_eq!(owner.get(&page).await.status, 404);
}

#[tokio::test]
async fn many_users_are_changed_by_a_summary_and_stride_by_stride() {
    let provost = start().await;
    let owner = Console::owner(&provost).await;
    for number in 0..230 {
        provost.client.create(&person(&format!("somebody{number}"))).await;
    }
    provost.client.create(&person("ava")).await;
    let mut fields: Vec<(&str, String)> = vec![
        ("action", "preserve".into()),
        ("all", "yes".into()),
        ("search", "somebody".into()),
    ];
    let send = |fields: &[(&str, String)]| {
        let fields: Vec<(String, String)> = fields
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect();
        let owner = &owner;
        async move {
            let pairs: Vec<_> = fields
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str()))
                .collect();
            owner.post("/console/users/bulk", &pairs).await
        }
    };
    let summary = send(&fields).await;
    assert!(summary.text.contains("Preserve 230 users?"), "{}", summary.text);
    assert_eq!(provost.user("somebody1@example.com")["status"], "active");
    provost.client.create(&person("somebody-new")).await;
    fields.push(("asOf", value_of(&summary.text, "asOf")));
    fields.push(("confirmed", "yes".into()));
    let first = send(&fields).await;
    assert!(
        first.text.contains("200 users") && first.text.contains("Under way"),
        "{}",
        first.text
    );
    fields.push(("cursor", value_of(&first.text, "cursor")));
    fields.push(("done", value_of(&first.text, "done")));
    fields.push(("leftAlone", value_of(&first.text, "leftAlone")));
    let last = send(&fields).await;
    assert!(
        last.text.contains("230 users") && last.text.contains("Back to the users"),
        "{}",
        last.text
    );
    assert_eq!(provost.user("somebody229@example.com")["status"], "preserved");
    assert_eq!(provost.user("ava@example.com")["status"], "active");
    assert!(last.text.contains("1 left alone"), "{}", last.text);
    let new = provost.user("somebody-new@example.com");
    assert_eq!(new["status"], "active", "the summary did not name them");
    let short = [
        ("action", "delete"),
        ("all", "yes"),
        ("search", "ava"),
        ("confirmed", "yes"),
        ("asOf", "9999999999999"),
        ("reason", "short"),
    ];
    let short = owner.post("/console/users/bulk", &short).await;
    assert!(short.text.contains("in 10 to 150 characters."), "{}", short.text);
    assert_eq!(provost.user("ava@example.com")["status"], "active");
    let nobody = owner.post("/console/users/bulk", &[("action", "preserve")]).await;
    assert!(
        nobody.status == 400 && nobody.text.contains("Nobody is selected"),
        "{}",
        nobody.text
    );
}

#[tokio::test]
async fn lists_are_narrowed_by_every_filter() {
    let provost = start().await;
    let owner = Console::owner(&provost).await;
    let okta = provost.connect("Okta").await;
    let ava = okta.create(&person("ava")).await;
    provost.client.create(&person("bob")).await;
    let cyd = provost.client.create(&person("cyd")).await;
    provost.client.delete(&path(&cyd)).await;
    provost
        .admin({
            let id = directory::UserId::parse(id(&ava)).unwrap();
            move |tx, ctx| service::users::set_legal_hold(tx, ctx, id, service::users::LegalHold::Placed)
        })
        .await;
    let names = ["ava@example.com", "bob@example.com", "cyd@example.com"];
    for (query, seen) in [
        ("", "abc"),
        ("connection=Okta", "a"),
        ("connection=default", "bc"),
        ("connection=manual", ""),
        ("status=preserved", "c"),
        ("status=active&connection=default", "b"),
        ("hold=administrator", ""),
        ("legalHold=true", "a"),
        ("mapping=Everyone", "abc"),
        ("storage=default&search=bob", "b"),
        ("profile=default&status=active", "ab"),
    ] {
        let page = owner.page(&format!("/console/users?{query}")).await;
        for (name, letter) in names.iter().zip(["a", "b", "c"]) {
            assert_eq!(page.contains(name), seen.contains(letter), "{query}: {name}");
        }
        let file = owner
            .get(&format!("/console/users/export?{query}&format=csv"))
            .await;
        for (name, letter) in names.iter().zip(["a", "b", "c"]) {
            assert_eq!(file.text.contains(name), seen.contains(letter), "{query}: {name}");
        }
    }
    assert_eq!(owner.get("/console/users?profile=none").await.status, 404);
}

#[tokio::test]
async fn a_mapping_is_made_previewed_ordered_and_removed_by_the_pages() {
    let provost = start().await;
    provost.profile("Germany", ProfileChange::default()).await;
    let owner = Console::owner(&provost).await;
    let declare = [("name", "countryCode"), ("kind", "string")];
    assert_eq!(
        owner.post("/console/settings/attributes", &declare).await.status,
        303
    );
    let mut sent = person("ava");
    sent["countryCode"] = json!("DE");
    provost.client.create(&sent).await;
    let mut form = vec![
        ("name", "German staff"),
        ("kind", "attribute"),
        ("path", "countryCode"),
        ("values", "DE\nAT, or so"),
        ("profile", "Germany"),
        ("storage", "default"),
        ("quota", "5GB"),
        ("mail", "yes"),
    ];
    let preview = owner.post("/console/mappings/preview", &form).await;
    assert!(
        preview
            .text
            .contains("<strong>1</strong> to what another mapping gives"),
        "{}",
        preview.text
    );
    assert!(
        !owner.page("/console/mappings").await.contains("German staff"),
        "a preview saves nothing"
    );
    assert_eq!(
        leads_to(&owner.post("/console/mappings/new", &form).await),
        "/console/mappings?done=saved"
    );
    let list = owner.page("/console/mappings").await;
    assert!(
        list.find("German staff") < list.find("Everyone"),
        "above those for any user"
    );
    assert!(list.contains("AT, or so"), "a value may hold commas");
    assert_eq!(
        provost.user("ava@example.com")["profile"],
        "default",
        "nobody moves by itself"
    );
    let applied = owner.post("/console/mappings/apply", &[]).await;
    assert!(applied.text.contains("1 user changed"), "{}", applied.text);
    assert_eq!(provost.user("ava@example.com")["profile"], "Germany");
    form[0].1 = "Germans";
    form[3].1 = "DE";
    assert_eq!(
        owner.post("/console/mappings/German%20staff", &form).await.status,
        303
    );
    assert_eq!(
        owner
            .post("/console/mappings/Germans/move", &[("at", "2")])
            .await
            .status,
        303
    );
    let list = owner.page("/console/mappings").await;
    assert!(list.contains("never matches"), "{list}");
    let order = [("name", "Germans"), ("name", "Everyone")];
    assert_eq!(owner.post("/console/mappings/order", &order).await.status, 303);
    assert!(!owner.page("/console/mappings").await.contains("never matches"));
    assert_eq!(
        owner.post("/console/mappings/Germans/delete", &[]).await.status,
        303
    );
    form[1].1 = "filter";
    form.push(("filter", "department eq \"Sales\" xor title pr"));
    let wrong = owner.post("/console/mappings/new", &form).await;
    assert_eq!(wrong.status, 409);
    assert!(wrong.text.contains("<mark>xor</mark>"), "{}", wrong.text);
    assert!(
        wrong.text.contains("department eq"),
        "what was written stays in the form"
    );
}

#[tokio::test]
async fn a_draft_says_which_refused_people_it_would_let_in() {
    let provost = start().await;
    let owner = Console::owner(&provost).await;
    provost.without_everyone().await;
    let of = directory::Condition::Attribute {
        path: AttributePath::parse("title").unwrap(),
        values: vec!["Boss".to_owned()],
        case_sensitive: false,
    };
    provost.mapping("Bosses", of, "default").await;
    let mut sent = person("ava");
    sent["title"] = json!("Clerk");
    provost.client.post("/Users", &sent).await.expect(400);
    tokio::time::sleep(std::time::Duration::from_millis(1500)).await;
    let attention = owner.page("/console/activity").await;
    assert!(
        attention.contains("ava@example.com") && attention.contains("No mapping matched"),
        "{attention}"
    );
    let form = [
        ("name", "Clerks"),
        ("kind", "attribute"),
        ("path", "title"),
        ("values", "Clerk"),
        ("profile", "default"),
        ("storage", "default"),
    ];
    let preview = owner.post("/console/mappings/preview", &form).await;
    assert!(
        preview.text.contains("ava@example.com (by Clerks)"),
        "{}",
        preview.text
    );
    owner.post("/console/mappings/new", &form).await;
    assert!(owner.page("/console/activity").await.contains("would admit"));
}

#[tokio::test]
async fn a_token_takes_the_password_again_and_is_shown_once() {
    let provost = start().await;
    let owner = Console::owner(&provost).await;
    let wrong = owner
        .post(
            "/console/connect",
            &[("kind", "okta"), ("name", "Okta"), ("password", "no")],
        )
        .await;
    assert!(
        wrong.status == 409 && wrong.text.contains("The password is wrong"),
        "{}",
        wrong.text
    );
    assert!(
        !owner
            .page("/console/settings/connections")
            .await
            .contains(">Okta<"),
        "nothing was made"
    );
    let made = owner
        .post(
            "/console/connect",
            &[("kind", "okta"), ("name", "Okta"), ("password", PASSWORD)],
        )
        .await;
    let token = made
        .text
        .split(">pvt_")
        .nth(1)
        .unwrap()
        .split('<')
        .next()
        .unwrap();
    let okta = provost.client_with(&format!("pvt_{token}"));
    okta.create(&person("ava")).await;
    assert!(!owner.page("/console/connect/Okta").await.contains(token));
    assert!(
        !owner
            .page("/console/settings/connections/Okta")
            .await
            .contains(token)
    );
    let next = owner
        .post(
            "/console/settings/connections/Okta/tokens",
            &[("password", PASSWORD), ("grace_days", "3")],
        )
        .await;
    assert!(next.text.contains("The new token."), "{}", next.text);
    okta.get("/Users").await.expect(200);
    let third = owner
        .post(
            "/console/settings/connections/Okta/tokens",
            &[("password", PASSWORD)],
        )
        .await;
    assert!(
        third.status == 409 && third.text.contains("two live tokens"),
        "{}",
        third.text
    );
    let page = owner.page("/console/settings/connections/Okta").await;
    let (before, _) = page.split_once("/revoke\"").unwrap();
    let (_, first) = before.rsplit_once('/').unwrap();
    let revoke = format!("/console/settings/tokens/{first}/revoke");
    let wrong = owner
        .post(
            &revoke,
            &[("connection", "Okta"), ("password", "no password of mine")],
        )
        .await;
    assert_eq!(wrong.status, 409, "{}", wrong.text);
    assert_eq!(
        owner
            .page("/console/settings/connections/Okta")
            .await
            .matches("/revoke\"")
            .count(),
        2
    );
    let right = owner
        .post(&revoke, &[("connection", "Okta"), ("password", PASSWORD)])
        .await;
    assert_eq!(right.status, 303, "{}", right.text);
    assert_eq!(
        owner
            .page("/console/settings/connections/Okta")
            .await
            .matches("/revoke\"")
            .count(),
        1
    );
}

#[tokio::test]
async fn reports_are_read_on_the_page_and_as_files() {
    let provost = start().await;
    let owner = Console::owner(&provost).await;
    let mut formula = person("ava");
    formula["displayName"] = json!("=HYPERLINK(\"http://evil.example\")");
    provost.client.create(&formula).await;
    let bob = provost.client.create(&person("bob")).await;
    provost.client.delete(&path(&bob)).await;
    for report in [
        "provisioning",
        "preserved",
        "weekly",
        "monthly",
        "mappings",
        "tokens",
    ] {
        let page = owner.page(&format!("/console/reports/{report}")).await;
        assert!(page.contains("<table"), "{report}");
        let csv = owner
            .get(&format!("/console/reports/{report}/download?format=csv"))
            .await;
        assert_eq!(csv.headers["content-type"], "text/csv; charset=utf-8");
        assert!(csv.text.lines().count() >= 2, "{report}: {}", csv.text);
        let xlsx = owner.request(
            Method::GET,
            &format!("/console/reports/{report}/download?format=xlsx"),
        );
        let bytes = xlsx.send().await.unwrap().bytes().await.unwrap();
        assert!(bytes.starts_with(b"PK"), "{report}");
    }
    let csv = owner
        .get("/console/reports/provisioning/download?format=csv")
        .await
        .text;
    assert!(csv.contains("'=HYPERLINK"), "{csv}");
    let preserved = owner
        .get("/console/reports/preserved/download?format=csv")
        .await
        .text;
    assert!(
        preserved.contains("bob@example.com") && preserved.contains("deleted") && !preserved.contains("ava@")
    );
    assert_eq!(owner.get("/console/reports/none").await.status, 404);
    assert_eq!(
        owner
            .get("/console/reports/tokens/download?format=pdf")
            .await
            .status,
        400
    );
}

#[tokio::test]
async fn settings_are_saved_as_they_are_shown_and_history_says_what_they_were() {
    let provost = start().await;
    provost.profile("Gold", ProfileChange::default()).await;
    let owner = Console::owner(&provost).await;
    for _ in 0..3 {
        let page = owner.page("/console/settings").await;
        let fields = [
            ("name", "default"),
            ("cloud_identity", "email"),
            ("reclassify", "on_update"),
            ("over_limit", "refuse"),
            ("log_days", "30"),
            ("leaver_alarm_percent", "20"),
            ("accept_until", "2026-12-31"),
            ("version", &value_of(&page, "version")),
        ];
        let saved = owner.post("/console/settings", &fields).await;
        assert_eq!(saved.status, 303, "{}", saved.text);
        assert!(
            owner
                .page("/console/settings")
                .await
                .contains("value=\"2026-12-31\"")
        );
    }
    let limit = ProfileChange {
        max_users: Some(5),
        ..ProfileChange::default()
    };
    provost
        .admin(move |tx, ctx| service::settings::profiles::set(tx, ctx, "Gold", &limit))
        .await;
    let trail = owner.page("/console/activity/audit?kind=setting").await;
    assert!(
        trail.contains("maxActiveUsers: – → 5") || trail.contains("maxUsers: – → 5"),
        "{trail}"
    );
    let own = [("password", PASSWORD)];
    let own = owner
        .post("/console/settings/administrators/ada@example.com/invite", &own)
        .await;
    assert!(own.text.contains("That is you"), "{}", own.text);
    let taken = owner
        .post(
            "/console/connect",
            &[("kind", "okta"), ("name", "Manual"), ("password", PASSWORD)],
        )
        .await;
    assert!(taken.text.contains("users of none"), "{}", taken.text);
}
