//! Accounts, roles, tokens and sessions as rows; and what a caller without a role sees of everything: nothing.

use std::sync::Arc;

use windvane::error::{Error, Resource};
use windvane::model::{Caller, Identity, KeyValue, MetricValue, ModelOutput, NewLocation, Point, Role, ViewType};
use windvane::search::parse_experiment_filter;
use windvane::store::{
    ANYONE, AccountChange, Accounts, DiffKind, DiffRequest, EVERYONE, ExperimentSearch, Found, InlineRequest, KeyKind,
    KeySearch, Kin, LogBatch, ModelMetric, NamePart, Namespace, NewPrincipal, NewRun, NewToken, PrincipalKind,
    RowsSearch, RunSearch, RunSet, RunUpdate, Store, TokenKind, ValueSearch, ValuesOf, ValuesRequest,
};

use super::support::*;

fn account(name: &str, site_role: Option<Role>) -> NewPrincipal {
    NewPrincipal {
        name: name.to_owned(),
        kind: if name.starts_with("group:") { PrincipalKind::Group } else { PrincipalKind::Person },
        display_name: String::new(),
        email: String::new(),
        password_hash: (!name.starts_with("group:")).then(|| "x".to_owned()),
        site_role,
    }
}

async fn make(accounts: &Accounts, name: &str, site_role: Option<Role>) -> i64 {
    accounts.create_principal(&account(name, site_role), NOW).await.unwrap()
}

/// Someone with these principals, as a route that demands `needs` is told of them.
fn caller(principals: &[i64], site_role: Option<Role>, needs: Role) -> Caller {
    let identity = Identity {
        account: principals.last().copied(),
        name: "x".to_owned(),
        display_name: String::new(),
        email: String::new(),
        principals: principals.to_vec(),
        site_role,
        at_most: Role::Admin,
        only: None,
        in_person: true,
    };
    Caller::Known { identity: Arc::new(identity), needs }
}

#[tokio::test]
async fn accounts_are_made_changed_and_removed_but_never_the_last_administrator() {
    for database in databases().await {
        let store = database.open().await;
        let accounts = store.accounts();
        assert!(!accounts.exist().await.unwrap());

        let root = make(&accounts, "root", Some(Role::Admin)).await;
        let alice = make(&accounts, "alice", None).await;
        let taken = accounts.create_principal(&account("alice", None), NOW).await;

        assert!(accounts.exist().await.unwrap());
        assert!(matches!(taken, Err(Error::Exists(Resource::PrincipalName(name))) if name == "alice"));
        let names: Vec<String> = accounts.list_principals().await.unwrap().into_iter().map(|it| it.name).collect();
        assert_eq!(names, ["alice", "anyone", "everyone", "root"]);
        assert!(alice > root && root > EVERYONE && EVERYONE > ANYONE);
        assert_eq!(accounts.find_principal_by_id(alice).await.unwrap().unwrap().name, "alice");
        assert_eq!(accounts.find_principal("nobody").await.unwrap(), None);

        let change = AccountChange { password_hash: Some("y".to_owned()), ..AccountChange::default() };
        accounts.create_session(&[1; 32], alice, NOW + 1).await.unwrap();
        accounts.change_account("alice", &change).await.unwrap();
        let (principal, hash) = accounts.find_with_password("alice").await.unwrap().unwrap();
        assert!(principal.has_password && hash.as_deref() == Some("y"));
        assert_eq!(accounts.find_session(&[1; 32]).await.unwrap(), None, "a new password ends sessions");
        for unknown in ["nobody", "everyone"] {
            assert!(matches!(accounts.change_account(unknown, &change).await, Err(Error::NotFound(_))), "{unknown}");
        }

        // A group without members and a service without a token cannot sign in and make another.
        let nobody =
            NewPrincipal { site_role: Some(Role::Admin), ..NewPrincipal::named("group:x", PrincipalKind::Group) };
        accounts.create_principal(&nobody, NOW).await.unwrap();
        let robot =
            NewPrincipal { site_role: Some(Role::Admin), ..NewPrincipal::named("robot", PrincipalKind::Service) };
        accounts.create_principal(&robot, NOW).await.unwrap();
        let change = AccountChange { password_hash: Some("y".to_owned()), ..AccountChange::default() };
        assert!(matches!(accounts.change_account("robot", &change).await, Err(Error::Invalid(_))));
        for last in [
            accounts.delete_principal("root").await,
            accounts.revoke("root", Namespace::All).await,
            accounts.grant("root", Namespace::All, Role::Manager).await,
        ] {
            assert!(matches!(last, Err(Error::Invalid(_))), "{last:?}");
        }
        assert!(matches!(accounts.delete_principal("everyone").await, Err(Error::Invalid(_))));
        for nobody in ["group:x", "robot"] {
            accounts.delete_principal(nobody).await.unwrap();
        }
        accounts.grant("alice", Namespace::All, Role::Admin).await.unwrap();
        accounts.delete_principal("root").await.unwrap();
        accounts.delete_principal("alice").await.unwrap();
        assert!(!accounts.exist().await.unwrap());
        assert!(make(&accounts, "alice", None).await > alice, "numbers are never used again");
        store.close().await;
    }
}

#[tokio::test]
async fn roles_are_given_in_place_of_others_and_taken_away() {
    for database in databases().await {
        let store = database.open().await;
        let accounts = store.accounts();
        let alice = make(&accounts, "alice", None).await;
        let wx = make(&accounts, "group:wx", None).await;
        let id = store.create_experiment(&OPEN, "b", NewLocation::Default, &[], NOW).await.unwrap();

        accounts.grant("alice", Namespace::One(id), Role::Reader).await.unwrap();
        accounts.grant("alice", Namespace::One(id), Role::Editor).await.unwrap();
        accounts.grant("group:wx", Namespace::One(0), Role::Manager).await.unwrap();
        accounts.grant("everyone", Namespace::All, Role::Reader).await.unwrap();

        let shown = |grants: Vec<windvane::store::Grant>| -> Vec<String> {
            let place = |grant: &windvane::store::Grant| grant.namespace.clone().map_or("-".into(), |(_, name)| name);
            grants.iter().map(|grant| format!("{} {} {}", grant.principal, grant.role, place(grant))).collect()
        };
        assert_eq!(shown(accounts.list_grants(Some(id)).await.unwrap()), ["alice editor b"]);
        assert_eq!(
            shown(accounts.list_grants(None).await.unwrap()),
            ["everyone reader -", "group:wx manager Default", "alice editor b"]
        );
        assert_eq!(accounts.find_namespace("b").await.unwrap(), id);
        assert_eq!(accounts.find_namespace(&id.to_string()).await.unwrap(), id);
        assert!(matches!(accounts.find_namespace("absent").await, Err(Error::NotFound(_))));
        assert_eq!(
            accounts.belonging(&[ANYONE, EVERYONE, alice], &["wx".into(), "other".into()]).await.unwrap(),
            (vec![ANYONE, EVERYONE, alice, wx], Some(Role::Reader))
        );
        assert!(accounts.has_namespaces(alice).await.unwrap() && !accounts.has_namespaces(ANYONE).await.unwrap());

        for wrong in [
            accounts.grant("alice", Namespace::One(id), Role::Admin).await,
            accounts.grant("anyone", Namespace::All, Role::Admin).await,
        ] {
            assert!(matches!(wrong, Err(Error::Invalid(_))), "{wrong:?}");
        }
        for absent in [
            accounts.grant("nobody", Namespace::One(id), Role::Reader).await,
            accounts.grant("alice", Namespace::One(99), Role::Reader).await,
            accounts.revoke("alice", Namespace::One(0)).await,
            accounts.revoke("alice", Namespace::All).await,
        ] {
            assert!(matches!(absent, Err(Error::NotFound(_))), "{absent:?}");
        }
        accounts.revoke("alice", Namespace::One(id)).await.unwrap();
        accounts.revoke("everyone", Namespace::All).await.unwrap();
        assert_eq!(shown(accounts.list_grants(None).await.unwrap()), ["group:wx manager Default"]);
        accounts.delete_principal("group:wx").await.unwrap();
        assert_eq!(accounts.list_grants(None).await.unwrap(), []);
        store.close().await;
    }
}

#[tokio::test]
async fn tokens_and_sessions_are_found_by_their_hash_until_they_are_revoked() {
    for database in databases().await {
        let store = database.open().await;
        let accounts = store.accounts();
        let (alice, bob) = (make(&accounts, "alice", None).await, make(&accounts, "bob", None).await);
        let new = |principal_id, byte, expires_ms| NewToken {
            principal_id,
            kind: if byte == 3 { TokenKind::Login } else { TokenKind::Api },
            name: format!("number {byte}"),
            hash: [byte; 32],
            at_most: Role::Editor,
            experiment_id: (byte == 2).then_some(0),
            expires_ms,
        };
        let first = accounts.create_token(&new(alice, 1, None), NOW).await.unwrap();
        let second = accounts.create_token(&new(alice, 2, Some(NOW + 5)), NOW).await.unwrap();
        let third = accounts.create_token(&new(bob, 3, Some(NOW + 9)), NOW).await.unwrap();
        assert!(matches!(accounts.create_token(&new(99, 4, None), NOW).await, Err(Error::NotFound(_))));

        let found = accounts.find_token(&[2; 32]).await.unwrap().unwrap();
        assert_eq!((found.id, found.principal.as_str(), found.experiment_id), (second, "alice", Some(0)));
        assert_eq!((found.kind, found.at_most, found.expires_ms), (TokenKind::Api, Role::Editor, Some(NOW + 5)));
        assert_eq!(accounts.find_token(&[9; 32]).await.unwrap(), None);
        let ids = |tokens: Vec<windvane::store::Token>| tokens.iter().map(|token| token.id).collect::<Vec<_>>();
        assert_eq!(ids(accounts.list_tokens(Some(alice)).await.unwrap()), [second, first]);
        assert_eq!(ids(accounts.list_tokens(None).await.unwrap()), [third, second, first]);

        accounts.prolong_token(third, NOW + 100).await.unwrap();
        accounts.prolong_token(third, NOW + 50).await.unwrap();
        accounts.create_session(&[7; 32], bob, NOW + 5).await.unwrap();
        accounts.note_token_uses(&[(first, NOW + 3), (third, NOW + 4)], NOW + 6).await.unwrap();
        assert_eq!(accounts.find_token_by_id(third).await.unwrap().unwrap().expires_ms, Some(NOW + 100));
        assert_eq!(accounts.find_token_by_id(first).await.unwrap().unwrap().last_used_ms, Some(NOW + 3));
        assert_eq!(accounts.find_token_by_id(second).await.unwrap(), None, "what ended is removed");
        assert_eq!(accounts.find_session(&[7; 32]).await.unwrap(), None);
        accounts.note_token_uses(&[], 0).await.unwrap();

        assert!(matches!(accounts.revoke_token(first, Some(bob)).await, Err(Error::NotFound(Resource::Token(_)))));
        accounts.revoke_token(first, Some(alice)).await.unwrap();
        assert_eq!(accounts.find_token(&[1; 32]).await.unwrap(), None);
        accounts.revoke_token(third, None).await.unwrap();

        for byte in 0..25 {
            accounts.create_session(&[byte; 32], alice, NOW + i64::from(byte)).await.unwrap();
        }
        assert_eq!(database.int("SELECT count(*) FROM session").await, 20, "as many as one has browsers");
        assert_eq!(accounts.find_session(&[24; 32]).await.unwrap(), Some((alice, NOW + 24)));
        assert_eq!(accounts.find_session(&[0; 32]).await.unwrap(), None);
        accounts.delete_session(&[24; 32]).await.unwrap();
        assert_eq!(accounts.find_session(&[24; 32]).await.unwrap(), None);
        accounts.delete_principal("alice").await.unwrap();
        assert_eq!(database.int("SELECT count(*) FROM session").await, 0);

        assert_eq!(accounts.secret("key", [1; 32]).await.unwrap(), [1; 32]);
        assert_eq!(accounts.secret("key", [2; 32]).await.unwrap(), [1; 32], "the first one stays");
        store.close().await;
    }
}

/// An experiment with a run, a model and a child run, and someone who has a role in another one only.
struct Scene {
    mine: i64,
    theirs: i64,
    run: String,
    stranger: Vec<i64>,
}

async fn scene(store: &Store) -> Scene {
    let accounts = store.accounts();
    let alice = make(&accounts, "alice", None).await;
    let mine = store.create_experiment(&OPEN, "mine", NewLocation::Default, &[], NOW).await.unwrap();
    let theirs = store.create_experiment(&OPEN, "theirs", NewLocation::Default, &[], NOW).await.unwrap();
    accounts.grant("alice", Namespace::One(mine), Role::Manager).await.unwrap();
    let new = NewRun { experiment_id: theirs, ..new_run(1) };
    let run = store.create_run(&OPEN, new).await.unwrap().run_id;
    let model = windvane::store::NewLoggedModel { experiment_id: theirs, ..new_model(1) };
    store.create_logged_model(&OPEN, model, NOW).await.unwrap();
    let batch = LogBatch {
        series: vec![("loss".to_owned(), vec![point(NOW, 1, 0.5)])],
        params: vec![pair("lr", "0.1")],
        tags: vec![pair("mlflow.parentRunId", "absent")],
        ..LogBatch::default()
    };
    store.log(&OPEN, &run, batch).await.unwrap();
    Scene { mine, theirs, run, stranger: vec![ANYONE, EVERYONE, alice] }
}

fn measured() -> LogBatch {
    let metric = ModelMetric {
        key: "loss".to_owned(),
        model_id: new_model(1).model_id,
        point: Point { timestamp_ms: NOW, step: 1, value: MetricValue::new(1.0) },
        dataset_name: String::new(),
        dataset_digest: String::new(),
    };
    LogBatch { model_metrics: vec![metric], ..LogBatch::default() }
}

#[tokio::test]
async fn whoever_has_no_role_in_a_namespace_finds_nothing_of_it() {
    for database in databases().await {
        let store = database.open().await;
        let Scene { mine, theirs, run, stranger } = scene(&store).await;
        let caller = caller(&stranger, None, Role::Reader);
        let who = &caller;

        assert_eq!(store.find_experiment(who, theirs).await.unwrap(), None);
        assert_eq!(store.find_experiment(who, mine).await.unwrap().unwrap().id, mine);
        assert_eq!(store.find_experiment_by_name(who, "theirs").await.unwrap(), None);
        assert_eq!(store.find_run_info(who, &run).await.unwrap(), None);
        assert_eq!(store.find_run(who, &run).await.unwrap(), None);
        assert_eq!(store.find_logged_model(who, &new_model(1).model_id, true).await.unwrap(), None);
        assert!(store.list_history(who, &run, "loss", None, 9).await.unwrap().points.is_empty());
        assert_eq!(store.find_missing_run(who, &[&run]).await.unwrap().as_deref(), Some(run.as_str()));
        assert!(store.list_bulk_history(who, &[&run], "loss", 9).await.unwrap().is_empty());
        assert!(store.sample_histories(who, &[&run], "loss", None, 9).await.unwrap().is_empty());
        assert!(matches!(store.find_lineage(who, &run).await, Err(Error::NotFound(_))));
        let summaries = store.list_experiment_summaries(who, ViewType::All, NOW).await.unwrap();
        assert_eq!(summaries.iter().map(|summary| summary.experiment.id).collect::<Vec<_>>(), [mine]);
        assert!(store.search_datasets(who, &[theirs]).await.unwrap().is_empty());
        for kind in [KeyKind::Metric, KeyKind::Param, KeyKind::Tag] {
            let search = KeySearch { experiments: vec![theirs], kind, text: NamePart::Start(String::new()), limit: 9 };
            assert_eq!(store.list_keys(who, search).await.unwrap(), []);
        }
        for of in [ValuesOf::Param("lr".to_owned()), ValuesOf::Tag("t".to_owned()), ValuesOf::Users] {
            let search = ValueSearch { experiments: vec![theirs], of, text: String::new(), limit: 9 };
            assert_eq!(store.list_values(who, search).await.unwrap(), []);
        }
        let diff = DiffRequest { run_ids: vec![run.clone()], all: true, kinds: DiffKind::ALL.to_vec() };
        assert!(matches!(store.diff_runs(who, &diff).await, Err(Error::NotFound(_))));
        let values = ValuesRequest { run_ids: vec![run.clone()], ..ValuesRequest::default() };
        assert!(matches!(store.read_values(who, &values).await, Err(Error::NotFound(_))));
        for text in ["theirs", "run-", &run] {
            assert_eq!(store.find_by_text(who, text, 9).await.unwrap(), Found::default(), "{text}");
        }
        let changes = store.list_changes(who, Some(0), &[]).await.unwrap();
        assert_eq!((changes.runs.unwrap().len(), changes.experiments), (0, vec![mine]));
        let both = RunSearch { experiments: vec![theirs, mine], ..search("", "") };
        assert!(run_ids(&mut store.search_runs(who, both.clone()).await.unwrap()).await.is_empty());
        let table =
            RowsSearch { search: both, columns: Vec::new(), offset: 0, limit: 9, tree: None, paces: true, live: true };
        assert_eq!(store.list_rows(&OPEN, table.clone()).await.unwrap().total, 1, "and what is kept is not theirs");
        let rows = store.list_rows(who, table).await.unwrap();
        assert_eq!((rows.total, rows.rows.len(), rows.paces), (0, 0, Some(Vec::new())));
        let all = ExperimentSearch {
            view: ViewType::All,
            filter: parse_experiment_filter("").unwrap(),
            order: Vec::new(),
            after: None,
            limit: 9,
        };
        let found = store.search_experiments(who, all).await.unwrap().experiments;
        assert_eq!(found.iter().map(|experiment| experiment.id).collect::<Vec<_>>(), [mine]);
        let inline = InlineRequest { run_ids: vec![run.clone()], metric: "loss".to_owned(), joined: false };
        assert!(matches!(store.read_inline_curves(who, inline).await, Err(Error::NotFound(_))));
        assert!(matches!(store.authorize(who, theirs).await, Err(Error::NotFound(_))));
        store.authorize(who, mine).await.unwrap();
        store.close().await;
    }
}

#[tokio::test]
async fn changes_need_the_role_that_the_route_demands() {
    for database in databases().await {
        let store = database.open().await;
        let Scene { theirs, run, stranger, .. } = scene(&store).await;
        let accounts = store.accounts();
        let model = new_model(1).model_id;
        for (role, needs, expected) in [
            (None, Role::Editor, "absent"),
            (Some(Role::Reader), Role::Editor, "denied"),
            (Some(Role::Editor), Role::Editor, "done"),
            (Some(Role::Editor), Role::Manager, "denied"),
            (Some(Role::Manager), Role::Manager, "done"),
        ] {
            if let Some(role) = role {
                accounts.grant("alice", Namespace::One(theirs), role).await.unwrap();
            }
            let who = &caller(&stranger, None, needs);
            let tag = KeyValue { key: "k".to_owned(), value: "v".to_owned() };
            let new = NewRun { experiment_id: theirs, ..new_run(100 + needs as i64 + expected.len() as i64) };
            let outputs = [ModelOutput { model_id: model.clone(), step: 0 }];
            let together = RunSet::Named(vec![run.clone()]);
            let changes = [
                store.log(who, &run, metric("loss", ascending(5, 1))).await,
                store.log(who, &run, measured()).await,
                store.update_run(who, &run, RunUpdate::default()).await.map(drop),
                store.create_run(who, new).await.map(drop),
                store.set_experiment_tag(who, theirs, &tag, NOW).await,
                store.rename_experiment(who, theirs, "theirs", NOW).await,
                store.set_logged_model_tags(who, &model, &[tag]).await,
                store.log_outputs(who, &run, &outputs).await,
                store.delete_run(who, &run, NOW).await,
                store.restore_run(who, &run).await,
                store.delete_runs(who, &together, Kin::default(), NOW).await.map(drop),
                store.restore_runs(who, &together, Kin::default()).await.map(drop),
                store.tag_runs(who, &together, "fresh name", Some("v")).await.map(drop),
                store.tag_runs(who, &together, "never used", None).await.map(drop),
                store.authorize(who, theirs).await,
            ];
            for (number, change) in changes.into_iter().enumerate() {
                let got = match change {
                    Ok(()) => "done",
                    Err(Error::Denied(_)) => "denied",
                    Err(Error::NotFound(_)) => "absent",
                    Err(error) => panic!("{role:?} {needs}: change {number}: {error}"),
                };
                assert_eq!(got, expected, "{role:?} where {needs} is needed: change {number}");
            }
        }
        store.close().await;
    }
}

#[tokio::test]
async fn a_model_of_a_namespace_that_one_may_not_see_cannot_be_measured() {
    for database in databases().await {
        let store = database.open().await;
        let Scene { mine, stranger, .. } = scene(&store).await;
        let who = &caller(&stranger, None, Role::Editor);
        let run = store.create_run(who, NewRun { experiment_id: mine, ..new_run(7) }).await.unwrap().run_id;

        let refused = store.log(who, &run, measured()).await;
        let unknown = ModelMetric { model_id: "m-absent".to_owned(), ..measured().model_metrics.pop().unwrap() };
        let unknown = LogBatch { model_metrics: vec![unknown], ..LogBatch::default() };
        let absent = store.log(who, &run, unknown).await;

        let text = |result: Result<(), Error>| result.unwrap_err().to_string();
        assert_eq!(text(refused).replace(&new_model(1).model_id, "M"), text(absent).replace("m-absent", "M"));
        store.close().await;
    }
}

#[tokio::test]
async fn whoever_makes_a_namespace_manages_it() {
    for database in databases().await {
        let store = database.open().await;
        let alice = make(&store.accounts(), "alice", None).await;
        let who = caller(&[ANYONE, EVERYONE, alice], None, Role::Editor);

        let id = store.create_experiment(&who, "new", NewLocation::Default, &[], NOW).await.unwrap();

        store.authorize(&who.needing(Role::Manager), id).await.unwrap();
        store.delete_experiment(&who.needing(Role::Manager), id, NOW).await.unwrap();
        store.close().await;
    }
}

#[tokio::test]
async fn a_list_of_namespaces_is_the_same_for_few_roles_and_for_many() {
    for database in databases().await {
        let store = database.open().await;
        let accounts = store.accounts();
        let (few, many) = (make(&accounts, "few", None).await, make(&accounts, "many", None).await);
        // One by one it would take a minute.
        database
            .run_made(format!(
                "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 600)
                 INSERT INTO experiment (id, name, artifact_location, created_ms, updated_ms)
                 SELECT n + 100, 'n' || n, 'mlflow-artifacts:/x', {NOW} + n % 7, {NOW} FROM n"
            ))
            .await;
        for (who, condition) in [(few, "id % 5 = 0"), (many, "id % 100 <> 0")] {
            database
                .run_made(format!(
                    "INSERT INTO namespace_role (namespace_id, principal_id, role)
                     SELECT id, {who}, 1 FROM experiment WHERE id > 100 AND {condition}"
                ))
                .await;
        }
        let list = async |who: &Caller| {
            let (mut found, mut after) = (Vec::new(), None);
            loop {
                let filter = parse_experiment_filter("").unwrap();
                let search = ExperimentSearch { view: ViewType::All, filter, order: Vec::new(), after, limit: 50 };
                let page = store.search_experiments(who, search).await.unwrap();
                found.extend(page.experiments.into_iter().map(|experiment| experiment.id));
                let Some(next) = page.next else { return found };
                after = Some(next);
            }
        };

        let all = list(&OPEN).await;
        let of = |keep: fn(&i64) -> bool| all.iter().copied().filter(|id| *id > 100).filter(keep).collect::<Vec<_>>();

        assert_eq!(list(&caller(&[ANYONE, EVERYONE, few], None, Role::Reader)).await, of(|id| id % 5 == 0));
        assert_eq!(list(&caller(&[ANYONE, EVERYONE, many], None, Role::Reader)).await, of(|id| id % 100 != 0));
        store.close().await;
    }
}
