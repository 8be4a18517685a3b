//! What is counted of deliveries.

use chrono::TimeDelta;
use kernel::Clock;

use super::{happen, of};
use crate::on_both;
use crate::support::{Answers, Receiver, Service};

async fn metric(service: &Service, name: &str) -> Option<String> {
    let text = service.state.scrape().await;
    text.lines().find_map(|it| it.strip_prefix(name)?.strip_prefix(' ').map(str::to_owned))
}

on_both! {
    /// What is counted as due is what a node would send, were there one.
    async fn what_is_due_is_what_can_be_sent(service) {
        let name = "lanyard_deliveries_due";
        let receiver = Receiver::start().await;
        of(&service, &receiver).await;
        receiver.answer(|_| Answers::With(500, ""));
        happen(&service).await;
        service.deliver().await;
        // The second one of the subject waits for the first, which waits for its next attempt.
        assert_eq!(metric(&service, name).await.as_deref(), Some("0"));
        service.clock.set(service.clock.now() + TimeDelta::seconds(10));
        assert_eq!(metric(&service, name).await.as_deref(), Some("2"));
        for column in ["leased_until", "held_until"] {
            service.execute(&format!("update webhooks set {column} = '2027-01-01 00:00:00'"));
            assert_eq!(metric(&service, name).await.as_deref(), Some("0"), "{column}");
            service.execute("update webhooks set leased_until = '2026-12-01 00:00:00', held_until = null");
            assert_eq!(metric(&service, name).await.as_deref(), Some("2"), "{column}");
        }
        service.execute("update webhooks set status = 'disabled'");
        assert_eq!(metric(&service, name).await.as_deref(), Some("0"));
    }

    /// Each value of a label is there before the first time, and a webhook that is given up is counted as such.
    async fn outcomes_are_counted_from_nothing(service) {
        for outcome in ["ok", "refused", "failed", "disabled"] {
            let name = format!("lanyard_deliveries_total{{outcome=\"{outcome}\"}}");
            assert_eq!(metric(&service, &name).await.as_deref(), Some("0"), "{outcome}");
        }
        for kind in ["decide", "deadlines", "seal", "verify", "purge"] {
            let name = format!("lanyard_jobs_failed_total{{kind=\"{kind}\"}}");
            assert_eq!(metric(&service, &name).await.as_deref(), Some("0"), "{kind}");
        }
        let receiver = Receiver::start().await;
        of(&service, &receiver).await;
        receiver.answer(|_| Answers::With(500, ""));
        happen(&service).await;
        service.deliver().await;
        // As if it had failed for six days, and this were the last attempt.
        service.execute("update webhooks set failing_since = '2026-11-25 00:00:00'; update webhook_queue set attempts = 9, next_at = '2026-12-01 15:00:00'");
        service.deliver_once().await;
        for (outcome, count) in [("ok", "0"), ("refused", "1"), ("disabled", "1")] {
            let name = format!("lanyard_deliveries_total{{outcome=\"{outcome}\"}}");
            assert_eq!(metric(&service, &name).await.as_deref(), Some(count), "{outcome}");
        }
    }
}
