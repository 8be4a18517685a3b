//! Whose turn it is at a webhook, and what ends it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use actix_web::rt::time::sleep;
use chrono::TimeDelta;
use futures_util::future::join;
use kernel::Clock;
use outbound::{Found, Lookup};
use serde_json::json;

use super::{PATH, add, happen, log, moved, of};
use crate::on_both;
use crate::support::{Answers, Names, Options, Receiver, Service};

/// Looks up as tests do, but only once it is let.
#[derive(Default)]
struct Gate {
    asked: AtomicUsize,
    open: AtomicBool,
}

struct Gated(Arc<Gate>);

impl Lookup for Gated {
    fn lookup(&self, name: &str) -> Found {
        let (gate, found) = (Arc::clone(&self.0), Names.lookup(name));
        gate.asked.fetch_add(1, Ordering::Relaxed);
        Box::pin(async move {
            until(|| gate.open.load(Ordering::Relaxed)).await;
            found.await
        })
    }
}

impl Gate {
    async fn asked(&self) {
        until(|| self.asked.load(Ordering::Relaxed) > 0).await;
    }

    fn open(&self) {
        self.open.store(true, Ordering::Relaxed);
    }
}

async fn until(is: impl Fn() -> bool) {
    for _ in 0..1000 {
        if is() {
            return;
        }
        sleep(Duration::from_millis(10)).await;
    }
    panic!("it didn't come to that");
}

/// Another node, of which nothing gets beyond the look-up of a name until it is let.
fn gated(service: &Service) -> (Service, Arc<Gate>) {
    let gate = Arc::new(Gate::default());
    let lookup = Arc::new(Gated(Arc::clone(&gate)));
    (service.twin(Options { lookup, ..Options::default() }), gate)
}

fn sequences(receiver: &Receiver) -> Vec<u64> {
    receiver.all().iter().map(|it| it.json()["sequence"].as_u64().expect("a number")).collect()
}

on_both! {
    /// W-06: a node that was silent for longer than its lease changes nothing by what it brings late, but for what was taken.
    async fn w_06_what_comes_late_overwrites_nothing(service) {
        // What the other node is answered, and then the late one; what came, and what is kept.
        for (answers, order, kept) in [([200, 200, 500], [1, 2, 1], [200, 200]), ([500, 200, 200], [1, 1, 2], [500, 200])] {
            let (receiver, (late, gate)) = (Receiver::start().await, gated(&service));
            let id = of(&service, &receiver).await;
            happen(&service).await;
            let mut next = answers.into_iter();
            receiver.answer(move |_| Answers::With(next.next().unwrap_or(200), ""));
            let other = async {
                gate.asked().await;
                // Before the lease runs out it is no other's.
                service.clock.set(service.clock.now() + TimeDelta::seconds(24));
                assert_eq!((service.deliver().await, receiver.all().len()), (0, 0));
                service.clock.set(service.clock.now() + TimeDelta::seconds(2));
                service.deliver().await;
                gate.open();
            };
            let (sent, ()) = join(late.deliver_once(), other).await;
            assert_eq!(sent, 3, "two events were placed, and one was sent");
            service.clock.set(service.clock.now() + TimeDelta::seconds(10));
            service.deliver().await;
            assert_eq!(sequences(&receiver), order);
            let log = log(&service, &id).await;
            assert_eq!(log.iter().map(|it| it["status"].clone()).collect::<Vec<_>>(), kept.map(|it| json!(it)));
            let it = service.get("site-administrator", &format!("{PATH}/{id}")).await.expect(200);
            assert!(it["failing_since"].is_null());
            assert_eq!(service.texts("select event_id as it from webhook_queue"), Vec::<String>::new());
            moved(&service, &id, "disable", &json!({})).await.expect(200);
            service.deliver().await;
        }
    }

    /// What is under way when a webhook is disabled arrives; nothing follows it, and nothing is kept of it.
    async fn a_webhook_that_is_disabled_ends_the_turn(service) {
        let (receiver, (slow, gate)) = (Receiver::start().await, gated(&service));
        let id = of(&service, &receiver).await;
        happen(&service).await;
        let disable = async {
            gate.asked().await;
            moved(&service, &id, "disable", &json!({})).await.expect(200);
            gate.open();
        };
        join(slow.deliver_once(), disable).await;
        assert_eq!(sequences(&receiver), [1]);
        assert_eq!(log(&service, &id).await, Vec::<serde_json::Value>::new());
        // The control: enabled, it is sent what happens next, both of it.
        service.deliver().await;
        moved(&service, &id, "enable", &json!({})).await.expect(200);
        happen(&service).await;
        slow.deliver().await;
        // Before them, that it was enabled.
        assert_eq!(receiver.all().len(), 1 + 3);
    }

    /// J-04: a grant that is withdrawn in the middle of a turn ends what is told of its site.
    async fn a_grant_that_is_withdrawn_ends_what_is_sent_in_a_turn(service) {
        let (receiver, (slow, gate)) = (Receiver::start().await, gated(&service));
        let id = of(&service, &receiver).await;
        happen(&service).await;
        let withdraw = async {
            gate.asked().await;
            service.execute(&format!(
                "update grants set ended_at = requested_at where principal_id = '{}' and site_id = '{}'",
                crate::users::id("site-administrator"), registry::demo::SITES[0].0
            ));
            gate.open();
        };
        join(slow.deliver_once(), withdraw).await;
        assert_eq!(sequences(&receiver), [1]);
        let kept = service.texts(&format!("select coalesce(failure, 'sent') as it from webhook_attempts where webhook_id = '{id}' order by 1"));
        assert_eq!(kept, ["not_permitted", "sent"]);
    }

    /// A write that fails in one turn cuts off no other.
    async fn what_cannot_be_kept_of_one_webhook_cuts_off_no_other(service) {
        let (first, second) = (Receiver::start().await, Receiver::start().await);
        let broken = of(&service, &first).await;
        happen(&service).await;
        service.deliver().await;
        service.execute("delete from webhook_attempts where attempt > 1 or topic <> 'authorization.submitted'");
        service.execute("create unique index broken on webhook_attempts (webhook_id, topic)");
        let id = of(&service, &second).await;
        let (slow, gate) = gated(&service);
        happen(&service).await;
        // Both turns are taken; the first one's result can't be kept, and the other's comes.
        let opened = async {
            gate.asked().await;
            gate.open();
        };
        let (it, ()) = join(api::deliveries::deliver(&slow.state), opened).await;
        assert!(it.is_err());
        assert_eq!((sequences(&second), log(&service, &id).await.len()), (vec![1, 2], 2));
        // Both are free again at once.
        let leased = service.texts(&format!("select id as it from webhooks where leased_until > '{}'", service.clock.now().format("%F %T%.6f")));
        assert_eq!((leased, log(&service, &broken).await.len()), (Vec::<String>::new(), 1));
    }

    /// Whoever can't be reached is tried once in a turn, not once for each subject.
    async fn who_cannot_be_reached_is_sent_nothing_more_in_a_turn(service) {
        let id = add(&service, "https://nowhere.receiver.test/").await["id"].as_str().expect("an id").to_owned();
        for _ in 0..20 {
            happen(&service).await;
        }
        service.deliver_once().await;
        // Eight subjects at the same time, and none after them.
        let tried = log(&service, &id).await.len();
        assert!((1..=8).contains(&tried), "{tried}");
    }

    async fn a_second_replay_tells_what_the_first_had_not_come_to(service) {
        let receiver = Receiver::start().await;
        let id = of(&service, &receiver).await;
        for _ in 0..3 {
            happen(&service).await;
        }
        service.deliver().await;
        let ids = service.texts("select id as it from outbox order by position");
        assert_eq!(receiver.all().len(), 6);
        for (first, second) in [(0, 3), (3, 0)] {
            let before = receiver.all().len();
            for after in [first, second] {
                moved(&service, &id, "replay", &json!({"after": ids[after]})).await.expect(200);
            }
            service.deliver().await;
            let again: BTreeSet<_> = receiver.ids()[before..].iter().cloned().collect();
            assert_eq!(again, ids[1..].iter().cloned().collect());
            assert_eq!(receiver.all().len() - before, 5);
        }
        // The control: alone, the later one tells less.
        let before = receiver.all().len();
        moved(&service, &id, "replay", &json!({"after": ids[3]})).await.expect(200);
        service.deliver().await;
        assert_eq!(receiver.all().len() - before, 2);
    }

    /// Events get their positions where nothing is sent, be it that every pass is held by someone slow.
    async fn events_are_placed_where_no_pass_begins(service) {
        let receiver = Receiver::start().await;
        of(&service, &receiver).await;
        let node = service.twin(Options::default());
        // No pass begins on a node that stops.
        api::deliveries::stop(&node.state).await;
        let run = actix_web::rt::spawn(api::deliveries::run(Arc::clone(&node.state)));
        happen(&service).await;
        until(|| service.texts("select id as it from outbox where position is not null").len() == 2).await;
        assert_eq!(receiver.connected(), 0);
        run.abort();
    }

    /// C-15: a node that stops ends what is under way, begins nothing more, and leaves its webhooks to others.
    async fn c_15_a_node_that_stops_leaves_its_webhooks_to_others(service) {
        let receiver = Receiver::start().await;
        let id = of(&service, &receiver).await;
        happen(&service).await;
        let (node, gate) = gated(&service);
        let run = actix_web::rt::spawn(api::deliveries::run(Arc::clone(&node.state)));
        gate.asked().await;
        run.abort();
        let opened = async {
            // It has been told to stop by then.
            sleep(Duration::from_millis(50)).await;
            assert_eq!(receiver.all().len(), 0);
            gate.open();
        };
        join(api::deliveries::stop(&node.state), opened).await;
        assert_eq!((sequences(&receiver), log(&service, &id).await.len()), (vec![1], 1));
        service.deliver().await;
        assert_eq!(sequences(&receiver), [1, 2]);
    }

    /// C-15: a node frees what it holds, and nothing else; what it brings afterwards comes late.
    async fn c_15_a_node_frees_its_own_leases_only(service) {
        let receiver = Receiver::start().await;
        let id = of(&service, &receiver).await;
        happen(&service).await;
        let (node, gate) = gated(&service);
        let others = async {
            gate.asked().await;
            for (freed, sent) in [(&service, 0), (&node, 2)] {
                api::deliveries::release(&freed.state).await.expect("a release");
                service.deliver().await;
                assert_eq!(receiver.all().len(), sent);
            }
            gate.open();
        };
        join(node.deliver_once(), others).await;
        assert_eq!((sequences(&receiver), log(&service, &id).await.len()), (vec![1, 2, 1], 2));
    }
}
