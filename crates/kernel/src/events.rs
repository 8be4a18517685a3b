//! What others are told, and what the trail keeps: the two tables from which everything that names one of these takes it.

use crate::codes;

codes! {
    /// What an event tells of.
    pub enum EventType {
        /// A request for an authorization was received.
        AuthorizationSubmitted = "authorization.submitted",
        /// A request was decided, by the policy or by a person.
        AuthorizationDecided = "authorization.decided",
        /// A reviewer needs more information about a request.
        AuthorizationInformationRequested = "authorization.information_requested",
        /// A request went to a clinician, or waits for a person who looks at a possible duplicate.
        AuthorizationReviewRequested = "authorization.review_requested",
        /// A request was closed.
        AuthorizationClosed = "authorization.closed",
        /// A deadline of the subject runs out within a day.
        DeadlineDue = "deadline.due",
        /// A deadline of the subject has run out.
        DeadlineMissed = "deadline.missed",
        /// A user was added.
        UserCreated = "user.created",
        /// A user or a system client may not call any more.
        UserDisabled = "user.disabled",
        /// A user or a system client may call again.
        UserEnabled = "user.enabled",
        /// A role was asked for, which another person approves.
        GrantRequested = "grant.requested",
        /// A role was granted.
        GrantApproved = "grant.approved",
        /// A role ended.
        GrantEnded = "grant.ended",
        /// An agent of a site was put on record.
        DelegationRecorded = "delegation.recorded",
        /// An agent is on record no more.
        DelegationEnded = "delegation.ended",
        /// Someone opened a member's records in an emergency.
        EmergencyAccessOpened = "emergency_access.opened",
        /// The plan reviewed an emergency access.
        EmergencyAccessReviewed = "emergency_access.reviewed",
        /// Someone asked again and again for what isn't there, and was stopped for a while.
        SecurityEnumerationSuspected = "security.enumeration_suspected",
        /// A webhook was changed: its address, its types, its sites.
        WebhookChanged = "webhook.changed",
        /// A webhook is told of nothing more: someone asked for that, or it failed for too long.
        WebhookDisabled = "webhook.disabled",
        /// A webhook is told again.
        WebhookEnabled = "webhook.enabled",
        /// Someone tried a webhook out: of all webhooks it goes to that one only, and whoever polls reads it, too.
        WebhookTest = "webhook.test",
    }
}

/// Who is told of an event: whoever reads the events of its site, or of the whole plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// The site that owns the subject.
    Site,
    /// No site: the plan itself.
    Plan,
    /// The site that the role, the deadline or the webhook is of; the plan where it is of none.
    Either,
}

impl EventType {
    /// Whose events of this type are.
    #[must_use]
    pub const fn owner(self) -> Owner {
        match self {
            Self::AuthorizationSubmitted
            | Self::AuthorizationDecided
            | Self::AuthorizationInformationRequested
            | Self::AuthorizationReviewRequested
            | Self::AuthorizationClosed
            | Self::DelegationRecorded
            | Self::DelegationEnded => Owner::Site,
            Self::UserCreated
            | Self::UserDisabled
            | Self::UserEnabled
            | Self::EmergencyAccessOpened
            | Self::EmergencyAccessReviewed
            | Self::SecurityEnumerationSuspected => Owner::Plan,
            Self::DeadlineDue
            | Self::DeadlineMissed
            | Self::GrantRequested
            | Self::GrantApproved
            | Self::GrantEnded
            | Self::WebhookChanged
            | Self::WebhookDisabled
            | Self::WebhookEnabled
            | Self::WebhookTest => Owner::Either,
        }
    }
}

codes! {
    /// What was done, as the trail has it. What changed nothing has the id of its operation instead, such as `get_authorization`.
    pub enum TrailAction {
        /// A request for an authorization was received.
        AuthorizationSubmit = "authorization.submit",
        /// A request was decided, or sent on.
        AuthorizationDecide = "authorization.decide",
        /// A request was closed.
        AuthorizationClose = "authorization.close",
        /// A user was added.
        UserCreate = "user.create",
        /// A role was granted, or asked for.
        UserGrant = "user.grant",
        /// A role that was asked for was granted.
        UserApprove = "user.approve",
        /// A role was withdrawn.
        UserWithdraw = "user.withdraw",
        /// A user may not call any more.
        UserDisable = "user.disable",
        /// A user may call again.
        UserEnable = "user.enable",
        /// An agent of a site was put on record.
        DelegationRecord = "delegation.record",
        /// An agent is on record no more.
        DelegationEnd = "delegation.end",
        /// A system client was registered.
        ClientAdd = "client.add",
        /// The keys of a system client were replaced.
        ClientRotateKeys = "client.rotate_keys",
        /// A system client may not call any more.
        ClientDisable = "client.disable",
        /// A system client was given a token.
        TokenIssue = "token.issue",
        /// Someone opened a member's records in an emergency.
        EmergencyOpen = "emergency.open",
        /// The plan reviewed an emergency access.
        EmergencyReview = "emergency.review",
        /// Someone asked again and again for what isn't there, and was stopped for a while.
        SecurityEnumerationSuspected = "security.enumeration_suspected",
        /// A webhook was added.
        WebhookAdd = "webhook.add",
        /// The address, the types or the sites of a webhook were changed.
        WebhookChange = "webhook.change",
        /// The secrets of a webhook were replaced.
        WebhookRotate = "webhook.rotate",
        /// A webhook was tried out.
        WebhookTest = "webhook.test",
        /// A webhook is told of nothing more.
        WebhookDisable = "webhook.disable",
        /// A webhook is told again.
        WebhookEnable = "webhook.enable",
        /// A webhook is told again of what it was told before.
        WebhookReplay = "webhook.replay",
        /// A backup of the whole database was made, by the command line.
        BackupMake = "backup.make",
        /// A release of diagnosis codes was loaded, by the command line.
        CodeSetLoad = "code_set.load",
    }
}
