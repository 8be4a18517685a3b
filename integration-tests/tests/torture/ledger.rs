//! The database behind the service's back.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;

use crate::support::Kind;

/// Where it is.
#[derive(Debug, Clone)]
pub(super) struct Ledger {
    pub(super) kind: Kind,
    pub(super) url: String,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    it: String,
}

impl Ledger {
    pub(super) fn new(kind: Kind, url: &str) -> Self {
        Self { kind, url: url.to_owned() }
    }

    fn sqlite(&self) -> SqliteConnection {
        let path = self.url.trim_start_matches("sqlite:");
        let mut db = SqliteConnection::establish(path).expect("the database");
        db.batch_execute("pragma busy_timeout = 5000").expect("a timeout");
        db
    }

    fn postgres(&self) -> PgConnection {
        PgConnection::establish(&self.url).expect("the server")
    }

    /// What `sql` selects, as text.
    pub(super) fn texts(&self, sql: &str) -> Vec<String> {
        let query = diesel::sql_query(format!("select cast(it as text) as it from ({sql}) as rows"));
        let found = match self.kind {
            Kind::Sqlite => query.load::<Row>(&mut self.sqlite()),
            Kind::Postgres => query.load::<Row>(&mut self.postgres()),
        };
        found.expect(sql).into_iter().map(|it| it.it).collect()
    }

    /// What these columns hold, row by row; `-` is what isn't there.
    pub(super) fn rows<const N: usize>(&self, columns: [&str; N], from: &str) -> Vec<[String; N]> {
        let parts = columns.map(|it| format!("coalesce(cast({it} as text), '-')"));
        let text = self.texts(&format!("select {} as it from {from}", parts.join(" || '\u{1f}' || ")));
        let split = |it: String| {
            let parts: Vec<_> = it.split('\u{1f}').map(str::to_owned).collect();
            parts.try_into().expect("as many columns")
        };
        text.into_iter().map(split).collect()
    }

    /// Changes it, as its owner.
    pub(super) fn execute(&self, sql: &str) {
        match self.kind {
            Kind::Sqlite => self.sqlite().batch_execute(sql).expect(sql),
            Kind::Postgres => self.postgres().batch_execute(sql).expect(sql),
        }
    }

    /// What the database itself finds wrong with its files.
    pub(super) fn flaws(&self) -> Vec<String> {
        if self.kind == Kind::Sqlite {
            let sound = self.texts("select integrity_check as it from pragma_integrity_check");
            let keys = self.texts("select \"table\" || ' ' || parent as it from pragma_foreign_key_check");
            return sound.into_iter().filter(|it| it != "ok").chain(keys).collect();
        }
        self.execute("create extension if not exists amcheck");
        let heap = "select c.relname || ' ' || h.msg as it from pg_class c, lateral verify_heapam(c.oid::regclass) h \
                    where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace";
        // It raises what it finds.
        let trees = "select bt_index_check(c.oid::regclass, true)::text as it from pg_class c join pg_am a on a.oid = c.relam \
                     where c.relkind = 'i' and a.amname = 'btree' and c.relnamespace = 'public'::regnamespace";
        let _ = self.texts(trees);
        self.texts(heap)
    }
}
