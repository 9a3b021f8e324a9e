//! What the store promises, tried on a real directory.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::sync::atomic::AtomicBool;

use futures_util::future::join_all;
use tempfile::TempDir;

use super::super::{ArtifactFile, ArtifactStore, FileInfo, Place};
use super::*;
use bytes::Bytes;
use futures_util::future::join;
use futures_util::{Stream, StreamExt, stream};
use rustix::fs::FileType;

fn store() -> (TempDir, ArtifactStore) {
    let root = tempfile::tempdir().unwrap();
    let store = ArtifactStore::open(root.path(), &[]).unwrap();
    (root, store)
}

fn path(text: &str) -> ArtifactPath {
    ArtifactPath::parse(text).unwrap()
}

/// A body of these chunks.
fn body<const N: usize>(chunks: [&str; N]) -> impl Stream<Item = Result<Bytes>> + Send + Unpin + use<N> {
    stream::iter(chunks.map(|chunk| Ok(Bytes::copy_from_slice(chunk.as_bytes()))))
}

async fn put_body(
    store: &ArtifactStore,
    path: &ArtifactPath,
    body: impl Stream<Item = Result<Bytes>> + Send + Unpin,
) -> Result<u64> {
    let placed = store.receive(path, body).await?.place().await?;
    let size_bytes = placed.stored.size_bytes;
    placed.settle().await?;
    Ok(size_bytes)
}

async fn put(store: &ArtifactStore, name: &str, text: &str) -> Result<u64> {
    put_body(store, &path(name), body([text])).await
}

async fn delete(store: &ArtifactStore, path: &ArtifactPath) -> Result<()> {
    store.delete(path).await?.finish().await
}

async fn read(store: &ArtifactStore, name: &str) -> Result<ArtifactFile> {
    store.read(&Place::own(path(name))).await
}

async fn list(store: &ArtifactStore, directory: &str) -> Vec<FileInfo> {
    let listing = store.list(&Place::own(path(directory))).await.unwrap();
    listing.page(0..listing.names()).await.unwrap()
}

async fn collect(mut pieces: impl Stream<Item = Result<Bytes>> + Unpin) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    while let Some(piece) = pieces.next().await {
        bytes.extend_from_slice(&piece?);
    }
    Ok(bytes)
}

async fn get(store: &ArtifactStore, name: &str) -> Result<String> {
    let file = read(store, name).await?;
    Ok(String::from_utf8(collect(file.stream(0..file.size_bytes)).await?).unwrap())
}

async fn names(store: &ArtifactStore, directory: &str) -> Vec<String> {
    list(store, directory).await.into_iter().map(|file| file.name).collect()
}

fn unfinished(root: &TempDir) -> usize {
    fs::read_dir(root.path().join(UPLOADS)).unwrap().count()
}

#[tokio::test]
async fn what_is_put_is_listed_read_overwritten_and_deleted() {
    let (root, store) = store();

    assert_eq!(put_body(&store, &path("7/r/a 1.txt"), body(["hello ", "", "world"])).await.unwrap(), 11);
    assert_eq!(put(&store, "7/r/a 1.txt", "hi").await.unwrap(), 2);
    assert_eq!(put_body(&store, &path("7/r/d/empty"), body([])).await.unwrap(), 0);

    assert_eq!(get(&store, "7/r/a 1.txt").await.unwrap(), "hi");
    assert_eq!(get(&store, "7/r/d/empty").await.unwrap(), "");
    let listed: Vec<_> =
        list(&store, "7/r").await.into_iter().map(|file| (file.name, file.is_dir, file.size_bytes)).collect();
    assert_eq!(listed, [("a 1.txt".to_owned(), false, 2), ("d".to_owned(), true, 0)]);
    assert_eq!(names(&store, "").await, ["7"]);
    assert!(names(&store, "7/r/a 1.txt").await.is_empty());
    assert!(names(&store, "7/absent").await.is_empty());

    delete(&store, &path("7/r/a 1.txt")).await.unwrap();
    delete(&store, &path("7/r/a 1.txt")).await.unwrap();
    delete(&store, &path("7/r/absent/x")).await.unwrap();
    assert_eq!(names(&store, "7/r").await, ["d"]);
    delete(&store, &path("7")).await.unwrap();
    assert!(names(&store, "").await.is_empty());
    assert_eq!(unfinished(&root), 0);
}

#[tokio::test]
async fn files_of_many_pieces_and_parts_of_them_come_back_byte_for_byte() {
    let (_root, store) = store();
    let bytes: Vec<u8> = (0..PIECE_BYTES as u32 * 3 + 17).map(|index| (index * 31 % 251) as u8).collect();
    let chunks: Vec<Result<Bytes>> = bytes.chunks(10_007).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();

    put_body(&store, &path("big"), stream::iter(chunks)).await.unwrap();

    let file = read(&store, "big").await.unwrap();
    assert_eq!(file.size_bytes, bytes.len() as u64);
    let piece = READ_BYTES as u64;
    for range in
        [0..file.size_bytes, 0..0, 0..1, piece - 1..piece + 1, 5..piece * 2 + 5, file.size_bytes - 1..file.size_bytes]
    {
        let part = collect(file.stream(range.clone())).await.unwrap();
        assert!(part == bytes[range.start as usize..range.end as usize], "{range:?}");
    }
}

#[tokio::test]
async fn the_root_cannot_be_written_read_or_deleted() {
    let (_root, store) = store();

    assert!(matches!(put(&store, "", "x").await, Err(Error::Invalid(_))));
    assert!(matches!(get(&store, "").await, Err(Error::Invalid(_))));
    assert!(matches!(delete(&store, &ArtifactPath::root()).await, Err(Error::Invalid(_))));
}

#[tokio::test]
async fn absent_files_and_directories_are_told_apart() {
    let (_root, store) = store();
    put(&store, "d/a", "x").await.unwrap();

    assert!(matches!(get(&store, "d").await, Err(Error::Invalid(_))));
    for name in ["absent", "absent/x", "d/absent", "d/a/x"] {
        let refusal = get(&store, name).await.unwrap_err();
        assert_eq!(refusal.to_string(), format!("No such artifact: '{name}'"));
    }
}

#[tokio::test]
async fn links_and_special_files_are_neither_followed_nor_shown() {
    let (root, store) = store();
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("secret"), "secret").unwrap();
    put(&store, "8/other/artifacts/secret", "theirs").await.unwrap();
    put(&store, "7/r/artifacts/mine", "mine").await.unwrap();
    let run = root.path().join("7/r/artifacts");
    let links = [
        ("to_etc", Path::new("/etc")),
        ("to_outside", outside.path()),
        ("to_a_file", &outside.path().join("secret")),
        ("to_another_run", Path::new("../../../8/other/artifacts")),
        ("to_itself", Path::new("to_itself")),
        ("to_a_device", Path::new("/dev/zero")),
        ("to_the_environment", Path::new("/proc/self/environ")),
        ("to_nothing", Path::new("nothing")),
        ("to_a_pipe", Path::new("pipe")),
    ];
    for (name, target) in links {
        symlink(target, run.join(name)).unwrap();
    }
    rustix::fs::mknodat(CWD, run.join("pipe"), FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();

    assert_eq!(names(&store, "7/r/artifacts").await, ["mine"]);
    assert!(matches!(get(&store, "7/r/artifacts/pipe").await, Err(Error::NotFound(_))));
    for (name, _) in links {
        let link = format!("7/r/artifacts/{name}");
        let beneath = format!("{link}/secret");
        assert!(matches!(get(&store, &link).await, Err(Error::NotFound(_))), "{name}");
        assert!(matches!(get(&store, &beneath).await, Err(Error::NotFound(_))), "{name}");
        assert!(names(&store, &link).await.is_empty(), "{name}");
        assert!(matches!(put(&store, &beneath, "x").await, Err(Error::Conflict(_))), "{name}");
        delete(&store, &path(&beneath)).await.unwrap();
        delete(&store, &path(&link)).await.unwrap();
        assert!(fs::symlink_metadata(run.join(name)).is_err(), "{name}");
    }
    assert_eq!(fs::read_to_string(outside.path().join("secret")).unwrap(), "secret");
    assert_eq!(get(&store, "8/other/artifacts/secret").await.unwrap(), "theirs");
}

#[tokio::test]
async fn an_upload_replaces_a_link_and_a_deleted_tree_takes_links_without_their_targets() {
    let (root, store) = store();
    let outside = tempfile::tempdir().unwrap();
    let secret = outside.path().join("secret");
    fs::write(&secret, "secret").unwrap();
    fs::create_dir(root.path().join("d")).unwrap();
    symlink(&secret, root.path().join("d/a")).unwrap();
    symlink(outside.path(), root.path().join("d/b")).unwrap();

    put(&store, "d/a", "mine").await.unwrap();

    assert_eq!(get(&store, "d/a").await.unwrap(), "mine");
    delete(&store, &path("d")).await.unwrap();
    assert_eq!(fs::read_to_string(&secret).unwrap(), "secret");
    assert_eq!(unfinished(&root), 0);
}

#[tokio::test]
async fn a_file_with_a_second_name_is_not_served() {
    let (root, store) = store();
    put(&store, "a", "x").await.unwrap();
    fs::hard_link(root.path().join("a"), root.path().join("b")).unwrap();

    for name in ["a", "b"] {
        assert!(matches!(get(&store, name).await, Err(Error::NotFound(_))));
    }
    assert!(names(&store, "").await.is_empty());

    put(&store, "a", "y").await.unwrap();
    assert_eq!(get(&store, "a").await.unwrap(), "y");
    assert_eq!(get(&store, "b").await.unwrap(), "x");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_directory_that_keeps_turning_into_a_link_never_leads_out() {
    let (root, store) = store();
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("file"), "outside").unwrap();
    put(&store, "r/d/file", "inside").await.unwrap();
    let (directory, aside) = (root.path().join("r/d"), root.path().join("r/aside"));
    let (target, is_done) = (outside.path().to_owned(), Arc::new(AtomicBool::new(false)));
    let swapper = std::thread::spawn({
        let is_done = is_done.clone();
        move || {
            let mut swaps = 0;
            while !is_done.load(Ordering::Relaxed) {
                // An upload may have made the directory anew meanwhile; then there is nothing to swap this time.
                if fs::rename(&directory, &aside).is_ok() && symlink(&target, &directory).is_ok() {
                    fs::remove_file(&directory).unwrap();
                    swaps += 1;
                }
                if fs::rename(&aside, &directory).is_err() {
                    let _ = fs::remove_dir_all(&aside);
                }
            }
            swaps
        }
    });

    for round in 0..250 {
        match get(&store, "r/d/file").await {
            Ok(text) => assert_eq!(text, "inside"),
            Err(error) => assert!(matches!(error, Error::NotFound(_)), "{error:?}"),
        }
        let written = [put(&store, &format!("r/d/new{round}"), "new").await, put(&store, "r/d/file", "inside").await];
        for result in written {
            assert!(matches!(result, Ok(_) | Err(Error::Conflict(_))), "{result:?}");
        }
        delete(&store, &path(&format!("r/d/new{round}"))).await.unwrap();
        assert!(!names(&store, "r/d").await.contains(&"secret".to_owned()));
    }
    is_done.store(true, Ordering::Relaxed);

    assert!(swapper.join().unwrap() > 0);
    let left: Vec<_> = fs::read_dir(outside.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["file"]);
    assert_eq!(fs::read_to_string(outside.path().join("file")).unwrap(), "outside");
    assert_eq!(unfinished(&root), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_file_and_a_directory_of_one_name_the_second_is_refused() {
    let (root, store) = store();
    let large = "x".repeat(PIECE_BYTES * 2);
    put(&store, "a", "file").await.unwrap();
    put(&store, "b/c", "file").await.unwrap();

    for text in ["small", &large] {
        assert!(matches!(put(&store, "a/b", text).await, Err(Error::Conflict(_))));
        assert!(matches!(put(&store, "a/b/c", text).await, Err(Error::Conflict(_))));
        assert!(matches!(put(&store, "b", text).await, Err(Error::Conflict(_))));
    }
    for round in 0..50 {
        let (file, beneath) = (format!("{round}/a"), format!("{round}/a/b"));
        let results = join(put(&store, &file, "x"), put(&store, &beneath, "y")).await;
        assert!(matches!(results, (Ok(_), Err(Error::Conflict(_))) | (Err(Error::Conflict(_)), Ok(_))), "{results:?}");
    }
    assert_eq!(get(&store, "a").await.unwrap(), "file");
    assert_eq!(get(&store, "b/c").await.unwrap(), "file");
    assert_eq!(unfinished(&root), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn uploads_into_a_directory_that_is_being_deleted_are_stored_or_refused() {
    let (root, store) = store();

    for round in 0..100 {
        let name = format!("d/e/{round}");
        let (deeper, target) = (path("d/e"), path("d"));
        let (stored, first, second) = (put(&store, &name, "x"), delete(&store, &deeper), delete(&store, &target));
        let (stored, (first, second)) = join(stored, join(first, second)).await;

        assert!(matches!(stored, Ok(_) | Err(Error::Conflict(_))), "{stored:?}");
        first.unwrap();
        second.unwrap();
    }
    delete(&store, &path("d")).await.unwrap();
    assert!(names(&store, "").await.is_empty());
    drop(store);
    ArtifactStore::open(root.path(), &[]).unwrap();
    assert_eq!(unfinished(&root), 0);
}

#[tokio::test]
async fn a_reader_keeps_the_file_it_opened_and_its_version_names_it() {
    let (_root, store) = store();
    let old = "a".repeat(PIECE_BYTES * 4);
    put(&store, "f", &old).await.unwrap();
    let file = read(&store, "f").await.unwrap();
    let mut pieces = file.stream(0..file.size_bytes);
    let first = pieces.next().await.unwrap().unwrap();

    put(&store, "f", &"b".repeat(old.len())).await.unwrap();

    let rest = collect(pieces).await.unwrap();
    assert!([first.to_vec(), rest].concat() == old.as_bytes());
    assert_ne!(read(&store, "f").await.unwrap().version, file.version);
    delete(&store, &path("f")).await.unwrap();
    assert!(collect(file.stream(0..file.size_bytes)).await.unwrap() == old.as_bytes());
}

#[tokio::test]
async fn a_file_that_is_cut_while_it_is_sent_is_an_error_and_not_a_short_answer() {
    let (root, store) = store();
    put(&store, "f", "0123456789").await.unwrap();
    let file = read(&store, "f").await.unwrap();

    fs::write(root.path().join("f"), "01234").unwrap();

    assert!(matches!(collect(file.stream(0..10)).await, Err(Error::Internal(_))));
}

#[tokio::test]
async fn an_upload_that_breaks_off_leaves_the_old_file_and_nothing_else() {
    let (root, store) = store();
    put(&store, "f", "old").await.unwrap();
    let piece = Bytes::from(vec![0; PIECE_BYTES]);
    let broken = || Err(Error::Invalid("broken".to_owned()));

    for complete_pieces in [0, 1, 3] {
        let chunks = (0..complete_pieces).map(|_| Ok(piece.clone())).chain([Ok(Bytes::from("x")), broken()]);
        let result = put_body(&store, &path("f"), stream::iter(chunks)).await;
        assert_eq!(result.unwrap_err().to_string(), "broken");
        let result = put_body(&store, &path("new/f"), stream::iter([Ok(piece.clone()), broken()])).await;
        assert!(result.is_err());
    }

    assert_eq!(get(&store, "f").await.unwrap(), "old");
    assert_eq!(names(&store, "").await, ["f"]);
    assert_eq!(unfinished(&root), 0);
}

#[tokio::test]
async fn an_upload_whose_client_is_gone_leaves_the_old_file_and_nothing_else() {
    let (root, store) = store();
    put(&store, "f", "old").await.unwrap();
    let (asked, mut was_asked) = tokio::sync::mpsc::unbounded_channel();
    let endless = Box::pin(stream::unfold(0, move |index| {
        asked.send(index).unwrap();
        async move {
            if index == 3 {
                std::future::pending::<()>().await;
            }
            Some((Ok(Bytes::from(vec![0; PIECE_BYTES])), index + 1))
        }
    }));
    let upload = tokio::spawn({
        let store = store.clone();
        async move { put_body(&store, &path("f"), endless).await }
    });
    while was_asked.recv().await != Some(3) {}
    assert_eq!(unfinished(&root), 1);

    upload.abort();

    assert!(upload.await.unwrap_err().is_cancelled());
    // A write that was under way ends before its file goes, on its own thread.
    drop(store.disk.tree().jobs().0.acquire_many(MAX_JOBS as u32).await.unwrap());
    while unfinished(&root) > 0 {
        std::thread::yield_now();
    }
    assert_eq!(get(&store, "f").await.unwrap(), "old");
}

#[tokio::test]
async fn what_was_left_unfinished_goes_when_no_other_server_is_there() {
    let (root, store) = store();
    put(&store, "kept", "x").await.unwrap();
    let uploads = root.path().join(UPLOADS);
    fs::write(uploads.join("0-0"), "half").unwrap();
    fs::create_dir_all(uploads.join("0-1/a/b")).unwrap();
    fs::write(uploads.join("0-1/a/b/c"), "half").unwrap();

    let second = ArtifactStore::open(root.path(), &[]).unwrap();
    assert_eq!(unfinished(&root), 2, "they may be the first server's");
    drop((store, second));
    let store = ArtifactStore::open(root.path(), &[]).unwrap();

    assert_eq!(unfinished(&root), 0);
    assert_eq!(names(&store, "").await, ["kept"]);
}

#[tokio::test]
async fn what_another_server_left_behind_goes_after_a_day_and_what_is_being_written_stays() {
    let (root, store) = store();
    let uploads = root.path().join(UPLOADS);
    let arriving = store.receive(&path("arriving"), body(["half"])).await.unwrap();
    for name in ["0-old", "0-young"] {
        fs::write(uploads.join(name), "half").unwrap();
    }
    fs::create_dir_all(uploads.join("0-tree/a")).unwrap();
    let now_ms = 1_700_000_000_000;
    let at = |age_s: u64| std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_700_000_000 - age_s);
    let day = 24 * 60 * 60;
    for (entry, age_s) in fs::read_dir(&uploads).unwrap().map(|entry| entry.unwrap().path()).map(|entry| {
        let is_young = entry.ends_with("0-young");
        (entry, if is_young { day - 60 } else { day + 60 })
    }) {
        File::open(entry).unwrap().set_modified(at(age_s)).unwrap();
    }

    store.remove_abandoned(now_ms).await.unwrap();

    let mut left: Vec<String> =
        fs::read_dir(&uploads).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    left.sort();
    assert_eq!(left.len(), 2, "{left:?}");
    assert_eq!(left[0], "0-young");
    arriving.place().await.unwrap().settle().await.unwrap();
    assert_eq!(get(&store, "arriving").await.unwrap(), "half");
}

#[tokio::test]
async fn a_file_of_another_user_is_not_served() {
    if !rustix::process::geteuid().is_root() {
        // Only root can make one.
        return;
    }
    let (root, store) = store();
    put(&store, "mine", "x").await.unwrap();
    fs::write(root.path().join("theirs"), "x").unwrap();
    std::os::unix::fs::chown(root.path().join("theirs"), Some(12_345), None).unwrap();

    assert!(matches!(get(&store, "theirs").await, Err(Error::NotFound(_))));
    assert_eq!(names(&store, "").await, ["mine"]);
}

#[tokio::test]
async fn what_a_slow_upload_has_brought_is_on_the_disk_and_not_in_memory() {
    let (root, store) = store();
    let (sender, receiver) = tokio::sync::mpsc::unbounded_channel();
    let chunks = Box::pin(stream::unfold(receiver, |mut receiver| async {
        receiver.recv().await.map(|size| (Ok(Bytes::from(vec![b'x'; size])), receiver))
    }));
    let upload = tokio::spawn({
        let store = store.clone();
        async move { put_body(&store, &path("slow"), chunks).await }
    });
    let written = || {
        let entry = fs::read_dir(root.path().join(UPLOADS)).unwrap().next();
        entry.map_or(0, |entry| entry.unwrap().metadata().unwrap().len())
    };

    let mut sent = 0;
    for size in [40_000, 1, 10, 5_000, 300_000, 1] {
        sender.send(size).unwrap();
        sent += size as u64;
        // Nothing more is on its way, so this comes to pass or the test never ends.
        while written() < sent {
            tokio::task::yield_now().await;
        }
    }
    drop(sender);

    assert_eq!(upload.await.unwrap().unwrap(), sent);
}

#[tokio::test]
async fn the_root_is_made_with_modest_modes() {
    let parent = tempfile::tempdir().unwrap();
    let root = parent.path().join("data/artifacts");
    let store = ArtifactStore::open(&root, &[]).unwrap();

    put(&store, "d/f", "x").await.unwrap();

    let mode = |name| fs::metadata(root.join(name)).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode("") & !0o750, 0);
    assert_eq!(mode("d") & !0o750, 0);
    assert_eq!(mode("d/f") & !0o640, 0);
}

#[tokio::test]
async fn deep_and_wide_trees_are_deleted_whole() {
    let (root, store) = store();
    let mut directory = root.path().join("d");
    for _ in 0..300 {
        directory.push("deep");
    }
    fs::create_dir_all(&directory).unwrap();
    for index in 0..1000 {
        fs::write(root.path().join(format!("d/{index}")), "").unwrap();
    }
    fs::write(directory.join("#unnameable"), "").unwrap();

    delete(&store, &path("d")).await.unwrap();

    assert!(!root.path().join("d").exists());
    assert_eq!(unfinished(&root), 0);
}

#[tokio::test]
async fn what_no_path_can_name_is_not_listed() {
    let (root, store) = store();
    for name in ["a", "a#b", "a\nb", "...", "lost+found"] {
        fs::write(root.path().join(name), "").unwrap();
    }
    fs::create_dir(root.path().join("d")).unwrap();
    fs::write(root.path().join("d/lost+found"), "").unwrap();

    assert_eq!(names(&store, "").await, ["a", "d"]);
    assert_eq!(names(&store, "d").await, ["lost+found"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_uploads_at_once_are_all_stored() {
    let (root, store) = store();

    let stored = join_all((0..200).map(|index| {
        let (store, name) = (store.clone(), path(&format!("7/{}/{index}", index % 7)));
        tokio::spawn(async move { put_body(&store, &name, body(["x"])).await })
    }));

    for result in stored.await {
        assert_eq!(result.unwrap().unwrap(), 1);
    }
    let mut listed = 0;
    for index in 0..7 {
        listed += names(&store, &format!("7/{index}")).await.len();
    }
    assert_eq!(listed, 200);
    assert_eq!(unfinished(&root), 0);
}

#[test]
fn failures_of_the_disk_are_told_by_their_cause() {
    let error = |errno| failure("write", &path("7/f"), errno);

    for errno in [Errno::NOSPC, Errno::DQUOT, Errno::FBIG] {
        assert!(matches!(error(errno), Error::StorageFull(text) if text.contains("'7/f'")));
    }
    assert!(matches!(error(Errno::NAMETOOLONG), Error::Invalid(_)));
    assert!(matches!(error(Errno::MFILE), Error::Unavailable(_)));
    let Error::Internal(source) = error(Errno::IO) else { panic!("EIO is ours") };
    assert!(format!("{source:#}").starts_with("cannot write '7/f': Input/output error"));
}
