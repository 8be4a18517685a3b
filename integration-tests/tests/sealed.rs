//! The trail as a chain, and what is found when someone changes it (L-01).

use std::path::PathBuf;

use api::demo::Issuer;
use api::verify::{Verified, verify};
use chrono::TimeDelta;
use kernel::Clock;
use store::{Broken, Head};

use crate::on_both;
use crate::support::{ISSUER, Options, PUBLIC_URL, Service, example, key_folder};

/// The end of the chain, and the first entry that is broken.
fn walk(service: &Service) -> (Head, Option<Broken>) {
    let walk = service.store.read(|rx| rx.verify_trail(Head::default(), 1000));
    std::thread::scope(|scope| scope.spawn(|| walk.wait()).join().expect("a thread")).expect("a chain")
}

/// Some entries: of writes, of a read and of a refusal.
async fn fill(service: &Service) {
    for _ in 0..4 {
        service.submit(&example()).await.expect(201);
    }
    service.get("single-site", "/v1/authorizations/26335R00001").await.expect(200);
    service.get("single-site", "/v1/authorizations/26335R99999").await.problem(404);
    service.drain();
    service.work().await;
}

on_both! {
    async fn l_01_each_entry_is_sealed_once_in_a_chain(service) {
        fill(&service).await;
        let (head, broken) = walk(&service);
        // What writes and reads leave, but for the service's own jobs.
        assert_eq!((head.position, broken), (6, None));
        assert_eq!(service.texts("select count(*) as it from trail where position is null"), ["0"]);
        service.submit(&example()).await.expect(201);
        assert_eq!(service.texts("select count(*) as it from trail where position is null"), ["1"]);
        // Two nodes at once.
        let twin = service.twin(Options::default());
        service.clock.set(service.clock.now() + TimeDelta::seconds(10));
        futures_util::future::join(service.work(), twin.work()).await;
        let (longer, broken) = walk(&service);
        assert_eq!((longer.position, broken), (7, None));
        assert_eq!(service.store.read(|rx| rx.chain_at(6)).await.expect("a chain"), Some(head.chain));
        twin.stop().await;
    }

    async fn l_01_whatever_is_changed_the_first_entry_is_named(service) {
        fill(&service).await;
        assert_eq!(walk(&service).1, None);
        let copy = "insert into trail (id, at, actor, client, request, site_id, action, subject, reason, before, after, outcome, \
                    subjects, emergency, digest, position, chain) \
                    select 'trl_0', at, actor, client, request, site_id, action, subject, reason, before, after, outcome, \
                    subjects, emergency, digest";
        for (what, change, found) in [
            ("edited", "update trail set actor = 'usr_other' where position = 3", Some((3, "it was edited"))),
            (
                "edited with its digest",
                "update trail set reason = 'other', digest = (select digest from trail where position = 4) where position = 3",
                Some((3, "it was edited")),
            ),
            ("removed", "delete from trail where position = 3", Some((3, "it is missing"))),
            (
                "removed, and the gap closed",
                "delete from trail where position = 3; update trail set position = 3 where position = 6",
                Some((3, "it isn't the one that was sealed here")),
            ),
            (
                "swapped",
                "update trail set position = 99 where position = 3; update trail set position = 3 where position = 5; \
                 update trail set position = 5 where position = 99",
                Some((3, "it isn't the one that was sealed here")),
            ),
            (
                "inserted",
                &format!(
                    "update trail set position = position + 100 where position >= 3; {copy}, 3, chain from trail where position = 103; \
                     update trail set position = position - 99 where position > 100"
                ),
                // Its digest is the other one's.
                Some((3, "it was edited")),
            ),
            ("the tail cut", "delete from trail where position >= 4", None),
        ] {
            service.execute("drop table if exists kept; create table kept as select * from trail");
            service.execute(change);
            let broken = walk(&service).1.map(|it| (it.position, it.why));
            assert_eq!(broken, found, "{what}");
            service.execute("delete from trail; insert into trail select * from kept");
        }
        assert_eq!((walk(&service).0.position, walk(&service).1), (6, None));
    }

    async fn l_01_a_tail_that_is_cut_and_a_chain_made_anew_are_found_by_the_checkpoints(service) {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("checkpoints.jsonl");
        let signs = service.twin(Options { checkpoints: Some(file.clone()), ..Options::default() });
        fill(&signs).await;
        let own = || Issuer::open(ISSUER, PUBLIC_URL, &key_folder()).expect("a key").into_own();
        let look = |files: &[PathBuf]| {
            let own = own();
            std::thread::scope(|scope| scope.spawn(|| verify(&service.store, &own, files)).join().expect("a thread"))
        };
        let files = [file.clone()];
        assert_eq!(look(&files), Ok(Verified { sealed: 6, loose: 0, checkpoints: 1 }));
        // A minute later another one; without anything new none.
        service.submit(&example()).await.expect(201);
        for _ in 0..2 {
            service.clock.set(service.clock.now() + TimeDelta::minutes(1));
            signs.work().await;
        }
        assert_eq!(look(&files), Ok(Verified { sealed: 7, loose: 0, checkpoints: 2 }));
        service.execute("create table kept as select * from trail");
        let again = "delete from trail; insert into trail select * from kept";
        service.execute("delete from trail where position >= 5");
        // The control: by itself it is whole.
        assert_eq!(look(&[]), Ok(Verified { sealed: 4, loose: 0, checkpoints: 0 }));
        let wrong = look(&files).expect_err("a cut");
        assert!(wrong.starts_with("entry 5: it is missing") && wrong.contains("had 6 entries"), "{wrong}");
        // Someone else's chain, sound in itself, of the same length.
        service.execute(&format!("{again}; delete from trail where position = 7; update trail set position = null, chain = null"));
        service.submit(&example()).await.expect(201);
        service.clock.set(service.clock.now() + TimeDelta::seconds(10));
        service.execute("update trail set id = 'trl_1' where id = (select min(id) from trail)");
        service.work().await;
        let wrong = look(&[]).expect_err("an id");
        assert!(wrong.ends_with("it was edited"), "{wrong}");
        service.execute(again);
        service.execute("delete from trail where position = 1; update trail set position = null, chain = null");
        service.clock.set(service.clock.now() + TimeDelta::seconds(10));
        service.work().await;
        assert_eq!(look(&[]), Ok(Verified { sealed: 6, loose: 0, checkpoints: 0 }));
        let wrong = look(&files).expect_err("another chain");
        assert!(wrong.starts_with("entry 6, or one before it: it isn't what was sealed"), "{wrong}");
        // Checkpoints of someone else's, or changed ones, are none.
        service.execute(again);
        let text = std::fs::read_to_string(&file).expect("a file");
        std::fs::write(&file, text.replace("\"position\":6", "\"position\":5")).expect("a file");
        assert!(look(&files).expect_err("a forgery").ends_with("line 1: not signed by a key of this service"));
        std::fs::write(&file, "{}\n").expect("a file");
        assert!(look(&files).expect_err("nothing").ends_with("line 1: not a checkpoint"));
        signs.stop().await;
    }
}
