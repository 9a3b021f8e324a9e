//! Names and values in use that have a text in them.

use windvane::store::{KeyKind, KeySearch, NamePart, ValueSearch, ValuesOf};

use super::support::*;

#[tokio::test]
async fn names_that_begin_with_a_text_come_before_those_that_have_it() {
    for database in databases().await {
        let store = database.open().await;
        let run = create_run(&store, 1).await;
        for name in ["val_loss", "Val%", "train_val", "train_VAL", "loss", "é_val"] {
            store.log(&OPEN, &run, param(name, "x")).await.unwrap();
        }
        let names = async |text: &str, limit| {
            let text = NamePart::Within(text.to_owned());
            let search = KeySearch { experiments: vec![0, 7], kind: KeyKind::Param, text, limit };
            let found = store.list_keys(&OPEN, search).await.unwrap();
            found.into_iter().map(|summary| summary.key).collect::<Vec<_>>()
        };

        assert_eq!(names("val", 9).await, ["Val%", "val_loss", "train_VAL", "train_val", "é_val"]);
        assert_eq!(names("VAL", 3).await, ["Val%", "val_loss", "train_VAL"]);
        assert_eq!(names("%", 9).await, ["Val%"]);
        assert_eq!(names("é", 9).await, ["é_val"]);
        assert_eq!(names("'", 9).await, [""; 0]);
        assert_eq!(names("", 9).await.len(), 6);
        store.close().await;
    }
}

#[tokio::test]
async fn values_are_told_by_how_many_runs_have_them() {
    for database in databases().await {
        let store = database.open().await;
        let mut runs = Vec::new();
        for number in 0..6 {
            let run = create_run(&store, number).await;
            store.log(&OPEN, &run, param("lr", ["1e-4", "1e-3", "1e-4"][number as usize % 3])).await.unwrap();
            store.log(&OPEN, &run, tag("hpc", ["LUMI", "lumi-g", "mn5"][number as usize / 2])).await.unwrap();
            runs.push(run);
        }
        store.log(&OPEN, &runs[0], param("long", &"x".repeat(201))).await.unwrap();
        store.log(&OPEN, &runs[1], param("long", &"x".repeat(200))).await.unwrap();
        store.log(&OPEN, &runs[2], param("long", "")).await.unwrap();
        let values = async |of: ValuesOf, text: &str| {
            let search = ValueSearch { experiments: vec![0], of, text: text.to_owned(), limit: 2 };
            store.list_values(&OPEN, search).await.unwrap()
        };
        let lr = || ValuesOf::Param("lr".to_owned());
        let pair = |value: &str, runs| (value.to_owned(), runs);

        assert_eq!(values(lr(), "").await, [pair("1e-4", 4), pair("1e-3", 2)]);
        assert_eq!(values(lr(), "-3").await, [pair("1e-3", 2)]);
        assert_eq!(values(ValuesOf::Tag("hpc".to_owned()), "Lumi").await, [pair("LUMI", 2), pair("lumi-g", 2)]);
        assert_eq!(values(ValuesOf::Users, "").await, [pair("ada", 6)]);
        assert_eq!(values(ValuesOf::Users, "x").await, []);
        assert_eq!(values(ValuesOf::Param("unheard-of".to_owned()), "").await, []);
        assert_eq!(values(ValuesOf::Param("long".to_owned()), "").await, [pair(&"x".repeat(200), 1)]);
        store.close().await;
    }
}
