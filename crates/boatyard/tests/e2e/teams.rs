//! Teams under one roof: what belongs to one is not there for another, and who may do what in it
//! says the team itself.

use crate::harness::{Api, Place, Repository, Server};
use crate::registry::harness::Subject;
use serde_json::{Value, json};

const READ: &str = "Project > Services > General > Read";
const PROJECT_READ: &str = "Project > Projects > Manage > Read";
const BUILD: &str = "Project > Services > Deployment > Deploy Build";
const TEAM_READ: &str = "Organisation > Team > General > Read";
const ROLES: &str = "Account > Admin > Roles > Manage";
const MEMBERS: &str = "Account > Admin > Members > Manage";

async fn make_team(server: &Server, name: &str) {
    let body = json!({"name": name, "email": "billing@example.com"});
    server.api().post("/v1/teams", body).await.data();
}

fn ids(answer: &Value, list: &str) -> Vec<String> {
    let rows = answer[list].as_array().unwrap();
    let id = |row: &Value| row["id"].as_str().unwrap().to_owned();
    rows.iter().map(id).collect()
}

/// The statuses with which the registry answers the holder of a token who asks for a tag.
async fn pulls(server: &Server, token: &str, image: &str) -> u16 {
    let (repository, tag) = image.rsplit_once(':').unwrap();
    let seen = Subject::seen_by(server, Some(token));
    seen.get_manifest(repository, tag).await.status
}

testkit::for_each_store! {
    async fn two_teams_build_projects_of_the_same_name_and_see_nothing_of_each_other(url: &str) {
        let server = Server::with().database(url).start().await;
        make_team(&server, "Acme Works").await;
        let theirs = ["--team", "acme-works", "--role", "admin"].map(str::to_owned);
        let their_token = server.token_with(&theirs.each_ref().map(String::as_str));
        let our_token = server.token_with(&["--team", "default", "--role", "admin"]);
        let (them, us) = (server.api().with_token(&their_token), server.api().with_token(&our_token));
        let ours = Repository::with_steps("RUN echo ours > /whose");
        let repository = Repository::with_steps("RUN echo theirs > /whose");
        let us = Place::of(us, "shop", "web", &ours.url(), json!({})).await;
        let them = Place::of(them, "shop", "web", &repository.url(), json!({})).await;
        let (our_build, their_build) = (us.build().await, them.build().await);
        us.reaches(&our_build, "SUCCESS").await;
        let theirs = them.reaches(&their_build, "SUCCESS").await;
        let our_image = format!("shop/web:{our_build}");
        let their_image = format!("acme-works__shop/web:{their_build}");
        let uri = theirs["registry"]["uri"].as_str().unwrap();
        assert_eq!(uri, format!("{}/{their_image}", server.host()));

        for (token, own, other) in [
            (&our_token, &our_image, &their_image),
            (&their_token, &their_image, &our_image),
        ] {
            assert_eq!(pulls(&server, token, own).await, 200, "{own}");
            assert_eq!(pulls(&server, token, other).await, 404, "{other}");
        }
        // One of the organisation is at home in the default team, and acts in any that it names.
        let admin = server.api();
        let named = format!("/v1/teams/acme-works{}", &them.path()[3..]);
        let seen = admin.get(&named).await.data().clone();
        assert_eq!(seen["appId"], "/acme-works/shop/web");
        assert_eq!(admin.get(&us.path()).await.data()["appId"], "/default/shop/web");
        assert_eq!(pulls(&server, &server.token(), &their_image).await, 200);
        admin.get("/v1/teams/nobodys/projects").await.refusal(404);
        us.api.get(&named).await.refusal(404);
        them.api.get(&named).await.data();
        us.api.get("/v1/teams/acme-works/projects").await.refusal(404);

        // A step of their build takes from its own team's project of that name, not from ours.
        let sibling = format!("FROM {}/acme-works__shop/web:main\nRUN grep theirs /whose\n", server.host());
        let sibling = Repository::with_dockerfile(&sibling);
        let sibling = Place::of(them.api.clone(), "shop", "sibling", &sibling.url(), json!({})).await;
        sibling.reaches(&sibling.build().await, "SUCCESS").await;
        let thief = format!("FROM {}/shop/web:main\n", server.host());
        let thief = Repository::with_dockerfile(&thief);
        let thief = Place::of(them.api.clone(), "shop", "thief", &thief.url(), json!({})).await;
        assert_eq!(thief.ends(&thief.build().await).await["status"], "FAILURE");

        let gone = "/v1/projects/shop?delete_child_objects=true";
        them.api.call("DELETE", gone, None).await.data();
        assert_eq!(pulls(&server, &server.token(), &their_image).await, 404);
        assert_eq!(pulls(&server, &our_token, &our_image).await, 200);
    }

    async fn a_member_does_what_the_teams_roles_say_now(url: &str) {
        let server = Server::with().database(url).env("BOATYARD_MAX_CONCURRENT_BUILDS", 0).start().await;
        make_team(&server, "Acme").await;
        let boss = server.api_with(&["--team", "acme", "--role", "admin"]);
        let repository = Repository::with_steps("");
        for project in ["shop", "bank"] {
            Place::of(boss.clone(), project, "web", &repository.url(), json!({})).await;
        }
        let role = json!({
            "name": "Night Shift",
            "permissions": {"projectScope": [PROJECT_READ, READ], "teamScope": []},
            "restrictions": {"enabled": true, "projects": ["bank"], "restrictionMode": "notIn"},
        });
        let made = boss.post("/v1/teams/acme/roles", role.clone()).await.data().clone();
        assert_eq!((&made["id"], &made["permissions"]), (&json!("night-shift"), &role["permissions"]));
        let invitation = json!({"email": "Ann.Lee@example.com", "roles": ["night-shift"]});
        let invited = boss.post("/v1/teams/acme/members", invitation).await.data().clone();
        assert_eq!((&invited["id"], &invited["finalized"]), (&json!("ann-lee"), &json!(false)));
        let token = invited["token"].as_str().unwrap();
        let ann = server.api().with_token(token);

        let build = json!({"branch": "main"});
        let seen = ann.get("/v1/projects").await.data().clone();
        assert_eq!(ids(&seen, "projects"), ["shop"]);
        ann.get("/v1/projects/shop/services").await.data();
        ann.get("/v1/projects/bank/services").await.refusal(404);
        let start = "/v1/projects/shop/services/web/build";
        assert!(ann.post(start, build.clone()).await.refusal(403).contains(BUILD));
        assert_eq!(pulls(&server, token, "acme__bank/web:main").await, 404);
        let members = boss.get("/v1/teams/acme/members").await.data().clone();
        assert_eq!(members["members"][0]["finalized"], true, "she has called");

        // A second role adds to the first; what it may do in one project it may not in another.
        let builders = json!({
            "name": "Shop Builders", "permissions": {"projectScope": [BUILD]},
            "restrictions": {"enabled": true, "projects": ["shop"]},
        });
        boss.post("/v1/teams/acme/roles", builders).await.data();
        let given = json!({"userId": "ann-lee"});
        boss.post("/v1/teams/acme/roles/shop-builders/members", given).await.data();
        ann.post(start, build.clone()).await.data();
        let path = "/v1/teams/acme/roles/shop-builders";
        let elsewhere = json!({"restrictions": {"enabled": true, "projects": ["bank"]}});
        boss.call("PATCH", path, Some(elsewhere)).await.data();
        ann.post(start, build.clone()).await.refusal(403);
        let message = ann.get("/v1/projects/bank/services").await.refusal(403);
        assert!(message.contains(READ), "it is there for her now: {message}");
        let widened = json!({"permissions": {"projectScope": [BUILD, READ]}});
        let widened = boss.call("PATCH", path, Some(widened)).await.data().clone();
        assert_eq!(widened["restrictions"]["projects"], json!(["bank"]), "the rest stays");
        ann.get("/v1/projects/bank/services").await.data();
        let has = boss.get(&format!("{path}/members?userIds=ann-lee,bob")).await.data().clone();
        assert_eq!(ids(&has, "members"), ["ann-lee"]);
        let has = boss.get(&format!("{path}/members?userIds=bob")).await.data().clone();
        assert_eq!(has["members"], json!([]));
        boss.call("DELETE", path, None).await.data();
        ann.get("/v1/projects/bank/services").await.refusal(404);

        // More tokens of hers, and tokens of a team's role, are made on the server's machine.
        let another = server.api_with(&["--team", "acme", "--member", "ann-lee"]);
        assert_eq!(ids(another.get("/v1/projects").await.data(), "projects"), ["shop"]);
        let shift = server.api_with(&["--team", "acme", "--role", "night-shift"]);
        assert_eq!(ids(shift.get("/v1/projects").await.data(), "projects"), ["shop"]);
        let emptied = json!({"name": "Night Shift"});
        boss.call("PUT", "/v1/teams/acme/roles", Some(emptied)).await.data();
        for holder in [&ann, &another, &shift] {
            assert!(holder.get("/v1/projects").await.refusal(403).contains(PROJECT_READ));
        }
        boss.call("DELETE", "/v1/teams/acme/members/ann-lee", None).await.data();
        for gone in [&ann, &another] {
            gone.get("/v1/login").await.refusal(401);
        }
        assert_eq!(pulls(&server, token, "acme__shop/web:main").await, 401);
    }
}

#[tokio::test]
async fn a_team_is_listed_for_the_organisation_and_for_itself() {
    let server = Server::start().await;
    make_team(&server, "Acme").await;
    let admin = server.api();
    let all = admin.get("/v1/teams").await.data().clone();
    assert_eq!(ids(&all, "teams"), ["default", "acme"]);
    let first = admin.get("/v1/teams?per_page=1").await.body["pagination"].clone();
    let cursor = first["cursor"].as_str().unwrap();
    let next = admin.get(&format!("/v1/teams?cursor={cursor}")).await;
    assert_eq!(ids(next.data(), "teams"), ["acme"]);
    let words = json!({"description": "All the works"});
    admin
        .call("PATCH", "/v1/teams/acme", Some(words))
        .await
        .data();
    let acme = admin.get("/v1/teams/acme").await.data().clone();
    assert_eq!(acme["description"], "All the works");
    assert_eq!(acme["email"], "billing@example.com");

    let own = server.api_with(&["--team", "acme", "--permission", TEAM_READ]);
    assert_eq!(ids(own.get("/v1/teams").await.data(), "teams"), ["acme"]);
    own.get("/v1/teams/acme").await.data();
    own.get("/v1/teams/default").await.refusal(404);
    // An administrator of a team is none of the organisation.
    let boss = server.api_with(&["--team", "acme", "--role", "admin"]);
    let another = json!({"name": "Another", "email": "billing@example.com"});
    boss.post("/v1/teams", another).await.refusal(403);
    boss.call("PATCH", "/v1/teams/acme", Some(json!({})))
        .await
        .refusal(403);
    let create = ["admin", "token", "create", "--permission"];
    let refused =
        server.boatyard(&[&create[..], &["Organisation > Team > General > Create"]].concat());
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(
        !refused.status.success() && said.contains("--organisation"),
        "{said}"
    );

    let taken = json!({"name": "ACME", "email": "billing@example.com"});
    admin.post("/v1/teams", taken).await.refusal(409);
    let wrong = json!({"name": "1", "email": "nobody", "description": "<b>"});
    let fields = admin.post("/v1/teams", wrong).await.fields();
    assert_eq!(fields, ["name", "email", "description"]);
}

async fn may_not_give(api: &Api, path: &str, body: Value, permission: &str) {
    let message = api.post(path, body).await.refusal(403);
    assert!(message.contains(permission), "{message}");
}

#[tokio::test]
async fn nobody_hands_out_more_than_they_have() {
    let server = Server::start().await;
    let clerk = [
        "--permission",
        ROLES,
        "--permission",
        MEMBERS,
        "--permission",
        READ,
    ];
    let clerk = server.api_with(&clerk);
    let (roles, members) = ("/v1/teams/default/roles", "/v1/teams/default/members");
    let reader = json!({"name": "Reader", "permissions": {"projectScope": [READ]}});
    clerk.post(roles, reader).await.data();
    let builder = json!({"name": "Builders", "permissions": {"projectScope": [READ, BUILD]}});
    may_not_give(&clerk, roles, builder, BUILD).await;
    let reads = json!({"email": "ann@example.com", "roles": ["reader"]});
    clerk.post(members, reads).await.data();
    let builds = json!({"email": "bob@example.com", "roles": ["builder"]});
    may_not_give(&clerk, members, builds, PROJECT_READ).await;
    let role = format!("{roles}/admin/members");
    may_not_give(&clerk, &role, json!({"userId": "ann"}), PROJECT_READ).await;
    // Nor do they take it away, or change it.
    let admin = server.api();
    admin.post(&role, json!({"userId": "ann"})).await.data();
    admin
        .post(
            roles,
            json!({"name": "Builders", "permissions": {"projectScope": [BUILD]}}),
        )
        .await
        .data();
    for (method, path, permission) in [
        ("DELETE", format!("{role}/ann"), PROJECT_READ),
        ("DELETE", format!("{members}/ann"), PROJECT_READ),
        ("DELETE", format!("{roles}/builders"), BUILD),
        ("PATCH", format!("{roles}/builders"), BUILD),
    ] {
        let body = (method == "PATCH").then(|| json!({"permissions": {"projectScope": []}}));
        let message = clerk.call(method, &path, body).await.refusal(403);
        assert!(message.contains(permission), "{method} {path}: {message}");
    }
}

#[tokio::test]
async fn a_role_that_means_nothing_is_refused_by_name() {
    let server = Server::start().await;
    let api = server.api();
    let roles = "/v1/teams/default/roles";
    let body = json!({
        "name": "x",
        "permissions": {"teamScope": [], "projectScope": []},
    });
    assert_eq!(api.post(roles, body).await.fields(), ["name"]);
    let body = json!({
        "name": "Wrong",
        "permissions": {"teamScope": [READ], "projectScope": [READ, "Project > Fly", TEAM_READ]},
        "restrictions": {"enabled": true, "projects": ["nope"]},
    });
    let refused = api.post(roles, body).await;
    let fields = [
        "permissions.teamScope[0]",
        "permissions.projectScope[1]",
        "permissions.projectScope[2]",
        "restrictions.projects[0]",
    ];
    assert_eq!(refused.fields(), fields);
    let message = refused.refusal(400);
    assert!(message.contains("`Project > Fly` is none of: Project > Projects > Manage > Read"));
    let fixed = api.get(&format!("{roles}/viewer")).await.data().clone();
    assert_eq!(
        fixed["permissions"]["projectScope"],
        json!([PROJECT_READ, READ])
    );
    for (method, path, body) in [
        ("PUT", roles.to_owned(), Some(json!({"name": "Viewer"}))),
        ("PATCH", format!("{roles}/viewer"), Some(json!({}))),
        ("DELETE", format!("{roles}/viewer"), None),
    ] {
        let message = api.call(method, &path, body).await.refusal(409);
        assert!(message.contains("Every team has the role"), "{message}");
    }
    let bob = json!({"email": "bob", "roles": []});
    let invited = api.post("/v1/teams/default/members", bob).await;
    assert_eq!(invited.fields(), ["email"]);
    let bob = json!({"email": "bob@example.com", "roles": ["nope"]});
    let invited = api.post("/v1/teams/default/members", bob).await;
    assert_eq!(invited.fields(), ["roles[0]"]);
    let nobody = json!({"userId": "nobody"});
    let given = api.post(&format!("{roles}/viewer/members"), nobody).await;
    assert_eq!(given.fields(), ["userId"]);
    let taken = format!("{roles}/viewer/members/nobody");
    api.call("DELETE", &taken, None).await.refusal(404);
}
