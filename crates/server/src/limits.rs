//! How often somebody may ask: who shows wrong tokens again and again is told to wait, and so is a tenant's own traffic where
//! the tenant has set a limit.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use directory::{AdministratorId, TenantId};
use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultDirectRateLimiter, DefaultKeyedRateLimiter, Quota, RateLimiter};

/// Wrong tokens that an address may show at once.
const BURST: NonZeroU32 = NonZeroU32::new(100).unwrap();
/// After those, one in so many seconds.
const SECONDS: u64 = 2;
/// Sign-ins of one person from one address at once.
const SIGN_INS: NonZeroU32 = NonZeroU32::new(10).unwrap();
/// After those, one in so many seconds.
const SIGN_IN_SECONDS: u64 = 10;
/// Sign-ins of anybody from one address in a minute.
const SPRAYS: NonZeroU32 = NonZeroU32::new(60).unwrap();
/// After ten one-time codes of a person, one in so many seconds: a code is guessed in ten thousand days.
const CODE_SECONDS: u64 = 60;

/// Whom to wait for how long, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wait(pub(crate) u32);

type Own = (NonZeroU32, Arc<DefaultDirectRateLimiter>);

/// What has been asked lately, on this node.
pub(crate) struct Limits {
    /// Sign-ins of one person from one address: nobody is locked out by somebody elsewhere.
    sign_ins: DefaultKeyedRateLimiter<(Option<IpAddr>, String)>,
    /// Sign-ins of anybody from one address: each costs a hash.
    sprays: DefaultKeyedRateLimiter<IpAddr>,
    /// Wrong one-time codes of one person, from wherever: who guesses them knows the password.
    codes: DefaultKeyedRateLimiter<AdministratorId>,
    failures: DefaultKeyedRateLimiter<IpAddr>,
    tenants: Mutex<HashMap<TenantId, Own>>,
}

impl Limits {
    pub(crate) fn new() -> Self {
        let quota = Quota::with_period(Duration::from_secs(SECONDS)).map(|quota| quota.allow_burst(BURST));
        let few =
            Quota::with_period(Duration::from_secs(SIGN_IN_SECONDS)).map(|quota| quota.allow_burst(SIGN_INS));
        let slow =
            Quota::with_period(Duration::from_secs(CODE_SECONDS)).map(|quota| quota.allow_burst(SIGN_INS));
        Self {
            sprays: RateLimiter::keyed(Quota::per_minute(SPRAYS)),
            codes: RateLimiter::keyed(slow.unwrap_or(Quota::per_second(SIGN_INS))),
            sign_ins: RateLimiter::keyed(few.unwrap_or(Quota::per_second(SIGN_INS))),
            failures: RateLimiter::keyed(quota.unwrap_or(Quota::per_second(BURST))),
            tenants: Mutex::default(),
        }
    }

    /// Forgets who has waited long enough.
    pub(crate) fn sweep(&self) {
        self.failures.retain_recent();
        self.sign_ins.retain_recent();
        self.sprays.retain_recent();
        self.codes.retain_recent();
    }

    /// Counts a wrong token. A right one from the same address is never refused for it.
    pub(crate) fn fails(&self, address: Option<IpAddr>) -> Result<(), Wait> {
        let Some(address) = address else { return Ok(()) };
        self.failures
            .check_key(&network(address))
            .map_err(|until| wait(until.wait_time_from(DefaultClock::default().now())))
    }

    /// Counts somebody's sign-in from an address, right or wrong.
    pub(crate) fn signs_in(&self, address: Option<IpAddr>, email: &str) -> Result<(), Wait> {
        if let Some(address) = address {
            self.sprays
                .check_key(&network(address))
                .map_err(|until| wait(until.wait_time_from(DefaultClock::default().now())))?;
        }
        let email: String = email.trim().to_lowercase().chars().take(254).collect();
        self.sign_ins
            .check_key(&(address.map(network), email))
            .map_err(|until| wait(until.wait_time_from(DefaultClock::default().now())))
    }

    /// Counts a person's one-time code, right or wrong.
    pub(crate) fn shows_code(&self, who: AdministratorId) -> Result<(), Wait> {
        self.codes
            .check_key(&who)
            .map_err(|until| wait(until.wait_time_from(DefaultClock::default().now())))
    }

    /// Counts a tenant's request, where the tenant has a limit of so many a second.
    pub(crate) fn asks(&self, tenant: TenantId, limit: Option<u32>) -> Result<(), Wait> {
        let Some(limit) = limit.and_then(NonZeroU32::new) else {
            return Ok(());
        };
        let own = {
            let mut tenants = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
            let own = tenants.entry(tenant).or_insert_with(|| limiter(limit));
            if own.0 != limit {
                *own = limiter(limit);
            }
            Arc::clone(&own.1)
        };
        own.check()
            .map_err(|until| wait(until.wait_time_from(DefaultClock::default().now())))
    }
}

fn limiter(limit: NonZeroU32) -> Own {
    (limit, Arc::new(RateLimiter::direct(Quota::per_second(limit))))
}

/// Whole seconds, at least one: clients read nothing else in `Retry-After`.
fn wait(time: Duration) -> Wait {
    let seconds = time.as_secs() + u64::from(time.subsec_nanos() > 0);
    Wait(u32::try_from(seconds.max(1)).unwrap_or(u32::MAX))
}

/// The address, or of an IPv6 one the network, which somebody has whole.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(address) if address.to_ipv4_mapped().is_none() => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        address => address.to_canonical(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_fails_again_and_again_waits_and_nobody_else() {
        let limits = Limits::new();
        let one: IpAddr = "2001:db8::1".parse().unwrap();
        let neighbour: IpAddr = "2001:db8::2".parse().unwrap();
        for _ in 0..BURST.get() {
            assert_eq!(limits.fails(Some(one)), Ok(()));
        }
        assert!(matches!(limits.fails(Some(neighbour)), Err(Wait(1..=2))));
        assert_eq!(limits.fails("192.0.2.1".parse().ok()), Ok(()));
        assert_eq!(limits.fails(None), Ok(()));
    }

    #[test]
    fn a_limit_counts_for_its_tenant_and_a_new_one_at_once() {
        let limits = Limits::new();
        let tenant = TenantId::from(uuid::Uuid::nil());
        let asked = (0..200).filter(|_| limits.asks(tenant, Some(50)).is_ok()).count();
        assert!((50..60).contains(&asked), "{asked}");
        assert_eq!(limits.asks(tenant, None), Ok(()));
        assert_eq!(limits.asks(tenant, Some(500)), Ok(()));
    }
}
