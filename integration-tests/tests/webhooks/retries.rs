//! What is tried again, when, and when no more (W-07).

use chrono::{DateTime, TimeDelta, Utc};
use kernel::Clock;
use serde_json::json;

use super::{PATH, add_as, happen, log, moved, of};
use crate::on_both;
use crate::support::{Answers, Receiver, Service};

/// After each attempt, how many seconds until the next, as the page says.
const DELAYS: [i64; 9] = [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400];

fn instant(it: &serde_json::Value) -> DateTime<Utc> {
    it.as_str().expect("an instant").parse().expect("an instant")
}

/// Fails until an event is given up: the clock goes from one attempt to the next.
async fn exhaust(service: &Service, id: &str) {
    while let Some(next) = log(service, id).await.last().filter(|it| !it["next_attempt_at"].is_null()) {
        service.clock.set(instant(&next["next_attempt_at"]));
        if service.deliver().await == 0 {
            // Of two that failed at once the first one had it given up, and the other is tried no more.
            assert_eq!(status(service, id).await.0, "disabled");
            return;
        }
    }
}

async fn status(service: &Service, id: &str) -> (String, String) {
    let it = service.get("site-administrator", &format!("{PATH}/{id}")).await.expect(200);
    (
        it["status"].as_str().expect("a status").to_owned(),
        it["disabled_for"].as_str().unwrap_or("-").to_owned(),
    )
}

on_both! {
    async fn w_07_what_fails_is_tried_ten_times_within_the_jitter(service) {
        let receiver = Receiver::start().await;
        let id = of(&service, &receiver).await;
        receiver.answer(|_| Answers::With(500, ""));
        moved(&service, &id, "test", &json!({})).await.expect(200);
        service.deliver().await;
        // Nothing is tried before its time.
        service.clock.set(service.clock.now() + TimeDelta::milliseconds(3999));
        assert_eq!((service.deliver().await, receiver.all().len()), (0, 1));
        exhaust(&service, &id).await;
        let log = log(&service, &id).await;
        assert_eq!((log.len(), receiver.all().len()), (10, 10));
        let ids = receiver.ids();
        assert!(ids.iter().all(|it| *it == ids[0]));
        for (place, (it, delay)) in log.iter().zip(DELAYS).enumerate() {
            assert_eq!((&it["attempt"], &it["status"], &it["failure"]), (&json!(place + 1), &json!(500), &json!(null)));
            let wait = (instant(&it["next_attempt_at"]) - instant(&it["at"])).num_milliseconds();
            assert!((delay * 800..=delay * 1200).contains(&wait), "{place} {wait}");
            assert_eq!(instant(&log[place + 1]["at"]), instant(&it["next_attempt_at"]));
        }
        assert_eq!(log[9]["next_attempt_at"], json!(null));
        // Three days aren't five: it goes on, and a success ends the count.
        assert_eq!(status(&service, &id).await, ("active".to_owned(), "-".to_owned()));
        receiver.answer(|_| Answers::With(200, ""));
        moved(&service, &id, "test", &json!({})).await.expect(200);
        service.deliver().await;
        let it = service.get("site-administrator", &format!("{PATH}/{id}")).await.expect(200);
        assert_eq!(it["failing_since"], json!(null));
    }

    async fn w_07_five_days_without_a_success_disable_it_with_notice(service) {
        let (receiver, witness) = (Receiver::start().await, Receiver::start().await);
        let id = of(&service, &receiver).await;
        add_as(&service, "site-administrator", &json!({"url": witness.url(), "types": ["webhook.disabled"]})).await.expect(201);
        receiver.answer(|_| Answers::With(500, ""));
        moved(&service, &id, "test", &json!({})).await.expect(200);
        service.deliver().await;
        service.clock.set(service.clock.now() + TimeDelta::days(2));
        happen(&service).await;
        service.deliver().await;
        exhaust(&service, &id).await;
        assert_eq!(status(&service, &id).await, ("disabled".to_owned(), "failing".to_owned()));
        service.deliver().await;
        let told = witness.all();
        assert_eq!(told.len(), 1);
        assert_eq!((&told[0].json()["type"], &told[0].json()["subject"]), (&json!("webhook.disabled"), &json!(id)));
        let trail = service.texts(&format!("select actor || ' ' || action as it from trail where subject = '{id}' and action = 'webhook.disable'"));
        assert_eq!(trail, ["system webhook.disable"]);
        // What is disabled is told of nothing, until it is enabled; and then of what happens from there on.
        let sent = receiver.all().len();
        receiver.answer(|_| Answers::With(200, ""));
        happen(&service).await;
        service.deliver().await;
        assert_eq!(receiver.all().len(), sent);
        assert_eq!(moved(&service, &id, "test", &json!({})).await.problem(409), "webhook-disabled");
        moved(&service, &id, "enable", &json!({})).await.expect(200);
        happen(&service).await;
        service.deliver().await;
        // Two of the request, and that it is enabled.
        assert_eq!(receiver.all().len(), sent + 3);
    }

    async fn w_07_410_disables_at_once(service) {
        let receiver = Receiver::start().await;
        let id = of(&service, &receiver).await;
        receiver.answer(|_| Answers::With(410, ""));
        happen(&service).await;
        service.deliver().await;
        assert_eq!(status(&service, &id).await, ("disabled".to_owned(), "gone".to_owned()));
        assert_eq!(receiver.all().len(), 1);
        assert_eq!(service.texts("select event_id as it from webhook_queue"), Vec::<String>::new());
        service.clock.set(service.clock.now() + TimeDelta::days(1));
        assert_eq!((service.deliver().await, receiver.all().len()), (0, 1));
    }

    async fn w_07_who_asks_for_a_pause_gets_it(service) {
        for (status, asked, wait) in [(429, "120", 120), (503, "600", 600), (429, "9999999", 86_400), (503, "x", 5), (500, "600", 4)] {
            let receiver = Receiver::start().await;
            let id = of(&service, &receiver).await;
            let head: &'static str = format!("retry-after: {asked}\r\n").leak();
            receiver.answer(move |_| Answers::With(status, head));
            happen(&service).await;
            service.deliver().await;
            let began = service.clock.now();
            let first = receiver.all().len();
            assert_eq!(first, 1, "{status} {asked}");
            // Neither what failed nor what comes next is sent before.
            happen(&service).await;
            service.clock.set(began + TimeDelta::seconds(wait) - TimeDelta::milliseconds(1));
            service.deliver().await;
            let paused = [429, 503].contains(&status);
            assert_eq!(receiver.all().len() == first, paused, "{status} {asked}");
            receiver.answer(|_| Answers::With(200, ""));
            service.clock.set(began + TimeDelta::seconds(wait * 2 + 10));
            service.deliver().await;
            let taken = log(&service, &id).await.iter().filter(|it| it["status"] == 200).count();
            assert_eq!(taken, 4, "{status} {asked}");
            moved(&service, &id, "disable", &json!({})).await.expect(200);
            service.deliver().await;
            service.clock.set(began);
        }
    }

    /// A failing event holds back those of its subject that come later, and no others.
    async fn w_07_order_is_kept_within_a_subject_and_others_go_on(service) {
        let receiver = Receiver::start().await;
        let id = of(&service, &receiver).await;
        let (first, second) = (happen(&service).await, "26335R00002");
        receiver.answer(move |it| Answers::With(if it.json()["subject"] == first.as_str() { 500 } else { 200 }, ""));
        assert_eq!(happen(&service).await, second);
        service.deliver().await;
        let seen = |receiver: &Receiver| -> Vec<_> {
            receiver.all().iter().map(|it| format!("{} {}", &it.json()["subject"].as_str().expect("a subject")[10..], it.json()["sequence"])).collect()
        };
        let mut found = seen(&receiver);
        found.sort();
        assert_eq!(found, ["1 1", "2 1", "2 2"]);
        receiver.answer(|_| Answers::With(204, ""));
        service.clock.set(service.clock.now() + TimeDelta::seconds(6));
        service.deliver().await;
        assert_eq!(seen(&receiver)[3..], ["1 1", "1 2"]);
        assert_eq!(log(&service, &id).await.len(), 5);
    }

    async fn what_became_of_it_is_forgotten_after_thirty_days(service) {
        let receiver = Receiver::start().await;
        let id = of(&service, &receiver).await;
        happen(&service).await;
        service.deliver().await;
        service.clock.set(service.clock.now() + TimeDelta::days(30));
        service.deliver().await;
        assert_eq!(log(&service, &id).await.len(), 2);
        service.clock.set(service.clock.now() + TimeDelta::seconds(1));
        service.deliver().await;
        assert_eq!(log(&service, &id).await.len(), 0);
    }
}
