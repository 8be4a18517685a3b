use std::collections::{HashMap, HashSet};

use super::*;
use crate::ProviderKind;

const TODAYS: [&str; 5] = ["2024-02-29", "2026-12-01", "2026-12-31", "2027-01-01", "2027-03-31"];

fn plans() -> impl Iterator<Item = (NaiveDate, Plan)> {
    TODAYS.iter().map(|it| it.parse().expect("a date")).map(|it| (it, Plan::new(it)))
}

fn distinct<T: Eq + std::hash::Hash>(of: impl Iterator<Item = T>) -> usize {
    of.collect::<HashSet<_>>().len()
}

#[test]
fn the_network_is_as_large_as_it_says_and_holds_together() {
    for (today, Plan { rows, .. }) in plans() {
        let npis: HashSet<_> = rows.providers.iter().map(|it| &*it.npi).collect();
        let sites: HashSet<_> = rows.sites.iter().map(|it| &*it.id).collect();
        for (what, found, expected) in [
            ("products", rows.products.len(), 3),
            ("organizations", distinct(rows.organizations.iter().map(|it| &it.id)), 12),
            ("names of organizations", distinct(rows.organizations.iter().map(|it| &it.name)), 12),
            ("sites", sites.len(), 40),
            ("rows of sites", rows.sites.len(), 40),
            ("NPIs of sites", distinct(rows.sites.iter().map(|it| &it.npi)), 39),
            ("providers", npis.len(), 300),
            ("rows of providers", rows.providers.len(), 300),
            ("callers", distinct(rows.principals.iter().map(|it| &it.id)), PRINCIPALS.len()),
            ("names of callers", distinct(rows.principals.iter().map(|it| &it.name)), PRINCIPALS.len()),
            ("rows of words", distinct(rows.words.iter().map(|it| (&it.word, &it.npi))), rows.words.len()),
            (
                "pairs of provider and site",
                distinct(rows.affiliations.iter().map(|it| (&it.npi, &it.site_id))),
                rows.affiliations.len(),
            ),
        ] {
            assert_eq!(found, expected, "{what}, {today}");
        }
        let shared: Vec<_> = rows.sites.iter().filter(|it| *it.npi == *"1346218294").collect();
        assert_eq!(shared.len(), 2);
        assert_ne!(shared[0].organization_id, shared[1].organization_id);
        for npi in ["1346218294", "1104816123", "1407820673"] {
            assert!(npis.contains(npi), "{npi}");
        }
        assert!(rows.sites.iter().all(|it| npis.contains(&*it.npi)));
        assert!(rows.affiliations.iter().all(|it| sites.contains(&*it.site_id) && npis.contains(&*it.npi)));
        assert!(rows.grants.iter().filter_map(|it| it.site_id.as_ref()).all(|it| sites.contains(&**it)));
        let place = |npi: &str| rows.providers.iter().position(|it| *it.npi == *npi);
        for (at, provider) in rows.providers.iter().enumerate() {
            // SQLite looks at each row by itself, so who is paid comes first.
            let payee = provider.pay_to_npi.as_ref().map(|it| place(it));
            assert!(payee.is_none_or(|it| it < Some(at)), "{}", provider.name);
            let practises = rows.affiliations.iter().any(|it| it.npi == provider.npi);
            assert!(provider.kind == ProviderKind::Organization || practises, "{}", provider.name);
        }
        let ended = rows.affiliations.iter().filter(|it| it.last_on.is_some_and(|last| last < today)).count();
        let ahead = rows.affiliations.iter().filter(|it| it.first_on > today).count();
        assert!((30..90).contains(&ended) && (30..90).contains(&ahead), "{ended} {ahead}");
    }
}

#[test]
fn members_are_of_every_kind_and_age() {
    for (today, plan) in plans() {
        let many = plan.members(CORE_MEMBERS..10_000).members;
        let (mut kinds, mut ages) = (HashMap::<_, usize>::new(), HashSet::new());
        for (member, spans) in &many {
            assert!(spans.iter().all(|it| it.member_id == member.id && it.first_on >= member.date_of_birth));
            assert!(spans.iter().all(|it| it.last_on.is_none_or(|last| it.first_on <= last)), "{spans:?}");
            ages.insert(today.years_since(member.date_of_birth).expect("a birth before today"));
            let holds =
                |it: &CoverageRow| it.first_on <= today && it.last_on.is_none_or(|last| today <= last);
            let kind = match &spans[..] {
                [one] if one.first_on > today => "future",
                [one] if holds(one) && one.last_on.is_none() => "open",
                [one] if one.last_on.is_some_and(|last| last < today) => "terminated",
                [one, two] if one.last_on < Some(two.first_on) && (holds(one) || holds(two)) => {
                    let joined = one.last_on.and_then(|it| it.succ_opt()) == Some(two.first_on);
                    match (joined, one.product_id == two.product_id) {
                        (true, true) => "joined",
                        (true, false) => "joined, another product",
                        (false, true) => "gap",
                        (false, false) => "gap, another product",
                    }
                }
                _ => panic!("{spans:?}"),
            };
            *kinds.entry(kind).or_default() += 1;
            *kinds.entry(&member.id[..3]).or_default() += 1;
        }
        for (kind, least, most) in [
            ("open", 8_000, 8_600),
            ("terminated", 700, 900),
            ("future", 200, 400),
            ("joined", 100, 200),
            ("joined, another product", 100, 200),
            ("gap", 100, 200),
            ("gap, another product", 100, 200),
            ("MCF", 4_800, 5_200),
            ("HMO", 3_300, 3_700),
            ("ASO", 1_300, 1_700),
        ] {
            assert!((least..most).contains(&kinds[kind]), "{today}: {kinds:?}");
        }
        assert_eq!(ages, (0..96).collect(), "{today}");
        let pcps = many.iter().filter(|it| it.0.pcp_npi.is_some() && it.0.pcp_site_id.is_some()).count();
        assert!((9_200..9_800).contains(&pcps), "{pcps}");
        let ids = many.iter().map(|it| &it.0.id).chain(plan.rows.members.iter().map(|it| &it.id));
        assert_eq!(distinct(ids), 10_000);
    }
}

#[test]
fn the_same_day_gives_the_same_plan_of_any_size() {
    let (Some((_, one)), Some((_, other))) = (plans().next(), plans().next()) else { panic!("two plans") };
    assert_eq!(one.rows, other.rows);
    let (few, many) = (one.members(CORE_MEMBERS..500), other.members(CORE_MEMBERS..1_000));
    assert_eq!(few.members[..], many.members[..few.members.len()]);
    assert_eq!(one.members(499..500).members, few.members[few.members.len() - 1..]);
    // Documents may name them, so that another build must make the same ones.
    let (first, _) = &few.members[0];
    assert_eq!(
        (&*first.id, &*first.first_name, &*first.last_name, &*first.last_folded),
        ("HMO0000001012", "Elena", "Kiernan", "kiernan")
    );
    for (at, (member, _)) in few.members.iter().enumerate() {
        assert_eq!(member.id, people::id(CORE_MEMBERS + u32::try_from(at).expect("few")));
        assert_eq!(member.last_folded, fold(&member.last_name));
        assert_eq!(member.first_folded, fold(&member.first_name));
    }
}
