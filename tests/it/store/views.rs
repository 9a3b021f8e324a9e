//! Saved views: how many there may be, and what happens when two are saved at once.

use futures_util::future::join_all;
use windvane::error::Error;
use windvane::store::{MAX_VIEWS, NewView, Store};

use super::support::*;

fn link(address: &str) -> NewView {
    NewView { address: address.to_owned(), name: None, experiment_id: None }
}

async fn save(store: &Store, view: NewView) -> String {
    store.save_view(&OPEN, view, NOW).await.unwrap().key
}

#[tokio::test]
async fn of_too_many_the_oldest_short_links_go() {
    for database in databases().await {
        let store = database.open().await;
        let named = NewView { name: Some("n".to_owned()), ..link("#/named") };
        let named = save(&store, named).await;
        let (first, second) = (save(&store, link("#/first")).await, save(&store, link("#/second")).await);
        let many = |from: i64, name: &str| {
            format!(
                "WITH RECURSIVE n (i) AS (SELECT {from} UNION ALL SELECT i + 1 FROM n WHERE i < {MAX_VIEWS})
                 INSERT INTO saved_view (key, address, name, created_ms) SELECT 'k' || i, '#/', {name}, 0 FROM n"
            )
        };
        database.run_made(many(4, "NULL")).await;
        assert!(store.find_view(&OPEN, &first).await.unwrap().is_some());

        let new = save(&store, link("#/new")).await;
        // One that is there already pushes nothing out.
        assert_eq!(save(&store, link("#/second")).await, second);

        assert!(store.find_view(&OPEN, &first).await.unwrap().is_none());
        for key in [&named, &second, &new] {
            assert!(store.find_view(&OPEN, key).await.unwrap().is_some());
        }

        database.run_made("DELETE FROM saved_view WHERE name IS NULL".to_owned()).await;
        database.run_made(many(2, "'n' || i")).await;
        let refused = store.save_view(&OPEN, link("#/more"), NOW).await;
        assert!(matches!(&refused, Err(Error::Invalid(text)) if text.contains("100000 saved views")), "{refused:?}");
        store.delete_view(&OPEN, "k2").await.unwrap();
        save(&store, link("#/more")).await;
        assert_eq!(store.list_views(&OPEN, None, 10).await.unwrap().len(), 11);
    }
}

#[tokio::test]
async fn a_key_that_something_else_has_is_lengthened() {
    for database in databases().await {
        let store = database.open().await;
        let key = save(&store, link("#/a")).await;
        database.run_made(format!("UPDATE saved_view SET address = '#/other' WHERE key = '{key}'")).await;

        let longer = save(&store, link("#/a")).await;

        assert_eq!((longer.len(), longer.starts_with(&key)), (16, true));
        assert_eq!(save(&store, link("#/a")).await, longer);
        assert_eq!(store.find_view(&OPEN, &key).await.unwrap().unwrap().view, link("#/other"));
    }
}

#[tokio::test]
async fn the_same_saved_by_many_at_once_is_there_once() {
    for database in databases().await {
        let store = database.open().await;
        let named = NewView { name: Some("n".to_owned()), experiment_id: Some(0), ..link("#/a") };
        for view in [link("#/a"), named] {
            let saved = join_all((0..16).map(|_| store.save_view(&OPEN, view.clone(), NOW))).await;

            let keys: Vec<String> = saved.into_iter().map(|saved| saved.unwrap().key).collect();
            assert!(keys.iter().all(|key| *key == keys[0]), "{keys:?}");
        }
        assert_eq!(store.list_views(&OPEN, Some(0), 10).await.unwrap().len(), 1);
    }
}
