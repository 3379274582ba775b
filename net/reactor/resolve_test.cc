// Lookups through a resolver of the test, and dials by address, host and port.
#include "net/reactor/resolve.h"

#include <errno.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "net/reactor/testing/dial_fixture.h"

namespace evnet_testing {
namespace {

// A resolver that records its calls, and answers when the test says so.
struct Hook {
  struct Query {
    evnet_reactor *reactor;
    evnet_lookup_id id;
    std::string name;  // of the host, or the address of a reverse lookup
    int family;
    bool cancelled = false;
  };

  evnet_resolver table = {};
  std::vector<std::unique_ptr<Query>> queries;
  int begun = 0;
  int ended = 0;
  int begin_status = 0;
  int start_status = 0;
  std::function<void(evnet_reactor *, evnet_lookup_id)> inside;  // called in find_addresses
  std::vector<std::string> immediately;  // the answer that find_addresses gives itself

  Hook() {
    table.begin = [](evnet_reactor *, void *user, void **out_state) {
      static_cast<Hook *>(user)->begun++;
      *out_state = user;
      return static_cast<Hook *>(user)->begin_status;
    };
    table.find_addresses = [](void *state, evnet_reactor *reactor, evnet_lookup_id id,
                              const evnet_host *host, void **out_query) {
      Hook *const hook = static_cast<Hook *>(state);
      if (hook->start_status < 0) return hook->start_status;
      *out_query = hook->Add({reactor, id, host->name, host->family});
      if (hook->inside) hook->inside(reactor, id);
      if (!hook->immediately.empty()) hook->Answer(hook->queries.size() - 1, hook->immediately);
      return 0;
    };
    table.find_name = [](void *state, evnet_reactor *reactor, evnet_lookup_id id,
                         const evnet_address *address, void **out_query) {
      char text[EVNET_ADDRESS_TEXT_BYTES];
      evnet_address_format(address, text, sizeof text);
      *out_query = static_cast<Hook *>(state)->Add({reactor, id, text, 0});
      return 0;
    };
    table.cancel = [](void *, void *query) {
      EXPECT_FALSE(static_cast<Query *>(query)->cancelled);
      static_cast<Query *>(query)->cancelled = true;
    };
    table.end = [](void *state) { static_cast<Hook *>(state)->ended++; };
    table.user = this;
  }

  Query *Add(Query query) {
    queries.push_back(std::make_unique<Query>(query));
    return queries.back().get();
  }

  Status Answer(size_t index, const std::vector<std::string> &addresses, int status = 0) {
    std::vector<evnet_address> all;
    for (const std::string &text : addresses) all.push_back(ParseAddress(text));
    const Query &query = *queries.at(index);
    return evnet_lookup_answer(query.reactor, query.id, status, all.data(), all.size());
  }
};

struct Told {
  int calls = 0;
  Status status = 1;
  std::vector<std::string> addresses;
  std::string name;
};

// Most tests end before their reactor does, and their records with them.
bool outlives_reactor = false;

void OnFound(int status, const evnet_address *addresses, size_t count, void *user) {
  if (status == -ESHUTDOWN && !outlives_reactor) return;
  Told *const told = static_cast<Told *>(user);
  told->calls++;
  told->status = status;
  for (size_t i = 0; i < count; i++) {
    char text[EVNET_ADDRESS_TEXT_BYTES];
    evnet_address_format(&addresses[i], text, sizeof text);
    told->addresses.push_back(text);
  }
}

void OnNamed(int status, const char *name, void *user) {
  if (status == -ESHUTDOWN && !outlives_reactor) return;
  Told *const told = static_cast<Told *>(user);
  told->calls++;
  told->status = status;
  if (name != nullptr) told->name = name;
}

class ResolveTest : public DialTest {
 protected:
  ResolveTest() { outlives_reactor = false; }
  ~ResolveTest() override { harness.Destroy(); }

  void Start() {
    harness.options.resolve = &hook.table;
    harness.Start();
  }

  evnet_lookup_id Resolve(const std::string &host, Told *told,
                          const evnet_resolve_options &options = {}) {
    evnet_lookup_id id = {};
    EXPECT_EQ(Status(evnet_resolve(harness.reactor(), host.c_str(), &options, OnFound, told, &id)),
              Status(0));
    EXPECT_EQ(told->calls, 0) << "from inside evnet_resolve";
    return id;
  }

  bool UntilTold(const Told &told, Place place = Place::Here()) {
    return harness.Until([&] { return told.calls > 0; }, place);
  }

  struct evnet_conn_id DialHost(const char *host, uint16_t port) {
    struct evnet_conn_id id = {};
    EXPECT_EQ(
        Status(evnet_dial_host(harness.reactor(), EVNET_TRANSPORT_TCP, host, port, nullptr, &id)),
        Status(0));
    harness.Of(id).dialled = true;
    return id;
  }

  uint16_t port() const { return evnet_address_port(&harness.address()); }

  Hook hook;  // the reactor uses it until the destructor
};

TEST_F(ResolveTest, ADialByNameConnectsToTheAddressesOfTheHook) {
  Start();
  const struct evnet_conn_id id = harness.Dial("tcp4://db.test:" + std::to_string(port()));
  ASSERT_EQ(hook.queries.size(), 1u);
  EXPECT_EQ(hook.queries[0]->name, "db.test");
  EXPECT_EQ(hook.queries[0]->family, AF_INET);
  harness.Settle();
  EXPECT_EQ(harness.Of(id).Story(), "");
  EXPECT_EQ(hook.Answer(0, {"127.0.0.1:0"}), Status(0));
  EXPECT_TRUE(UntilOpen(id));
  EXPECT_EQ(hook.begun, 1);
}

TEST_F(ResolveTest, ADialByHostAndPortAsksTheHookForNamesOnly) {
  Start();
  const struct evnet_conn_id named = DialHost("db.test", port());
  ASSERT_EQ(hook.queries.size(), 1u);
  EXPECT_EQ(hook.queries[0]->family, AF_UNSPEC);
  EXPECT_EQ(hook.Answer(0, {"127.0.0.1:0"}), Status(0));
  EXPECT_TRUE(UntilOpen(named));
  EXPECT_TRUE(UntilOpen(DialHost("127.0.0.1", port())));
  EXPECT_TRUE(UntilOpen(DialHost("::ffff:127.0.0.1", port())));
  EXPECT_EQ(hook.queries.size(), 1u);
}

TEST_F(ResolveTest, ADialToAnAddressNeedsNoText) {
  harness.Start();
  evnet_address mapped = ParseAddress("[::1]:1");
  const uint8_t bytes[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 127, 0, 0, 1};
  memcpy(&mapped.socket.ip6.sin6_addr, bytes, sizeof bytes);
  mapped.socket.ip6.sin6_port = htons(port());
  const std::string number = std::to_string(port());
  for (const evnet_address &address :
       {ParseAddress("127.0.0.1:" + number), mapped, ParseAddress("[::]:" + number),
        ParseAddress(":" + number)}) {
    struct evnet_conn_id id = {};
    ASSERT_EQ(Status(evnet_dial_address(harness.reactor(), &address, nullptr, &id)), Status(0));
    harness.Of(id).dialled = true;
    EXPECT_TRUE(UntilOpen(id));
  }
}

TEST_F(ResolveTest, AnAddressOrHostThatCannotBeDialledIsRefused) {
  std::string log;
  LogTo(&log);
  harness.Start();
  evnet_address other_family = ParseAddress("127.0.0.1:80");
  other_family.transport = EVNET_TRANSPORT_UNIX;
  evnet_address nameless = ParseAddress("unix:///run/x");
  nameless.size = sizeof(sa_family_t);
  evnet_address too_large = ParseAddress("unix:///run/x");
  too_large.size = sizeof(sockaddr_un) + 1;
  evnet_address no_transport = ParseAddress("127.0.0.1:80");
  no_transport.transport = static_cast<evnet_transport>(9);
  for (const evnet_address &address : {evnet_address{}, ParseAddress("127.0.0.1:0"), other_family,
                                       nameless, too_large, no_transport}) {
    log.clear();
    EXPECT_EQ(Status(evnet_dial_address(harness.reactor(), &address, nullptr, nullptr)),
              Status(EVNET_STATUS_ADDRESS));
    EXPECT_NE(log.find("address '"), std::string::npos) << log;
  }
  const struct {
    evnet_transport transport;
    const char *host;
    uint16_t port;
  } hosts[] = {{EVNET_TRANSPORT_TCP, "", 80},
               {EVNET_TRANSPORT_TCP, "a.test", 0},
               {EVNET_TRANSPORT_TCP, "a.test:80", 80},
               {EVNET_TRANSPORT_TCP, "[::1]", 80},
               {EVNET_TRANSPORT_UNIX, "a.test", 80}};
  for (const auto &each : hosts) {
    log.clear();
    EXPECT_EQ(Status(evnet_dial_host(harness.reactor(), each.transport, each.host, each.port,
                                     nullptr, nullptr)),
              Status(EVNET_STATUS_ADDRESS));
    EXPECT_NE(log.find("host '"), std::string::npos) << log;
  }
}

TEST_F(ResolveTest, AnAnswerInsideTheCallIsToldInALaterTurn) {
  Start();
  hook.immediately = {"127.0.0.1:0"};
  Told told;
  Resolve("a.test", &told);
  EXPECT_TRUE(UntilTold(told));
  EXPECT_EQ(told.status, Status(0));
  EXPECT_TRUE(UntilOpen(harness.Dial(At("b.test"))));
}

TEST_F(ResolveTest, AnAnswerIsGivenThePortAndTransportAndFilteredByFamily) {
  Start();
  evnet_resolve_options options = {};
  options.port = 53;
  options.transport = EVNET_TRANSPORT_UDP;
  Told both, one;
  Resolve("a.test", &both, options);
  options.family = AF_INET6;
  Resolve("a.test", &one, options);
  const std::vector<std::string> found = {"192.0.2.1:0", "[2001:db8::1]:0", "192.0.2.2:5353",
                                          "unix:///run/x"};
  EXPECT_EQ(hook.Answer(0, found), Status(0));
  EXPECT_EQ(hook.Answer(1, found), Status(0));
  EXPECT_TRUE(UntilTold(one));
  EXPECT_EQ(both.addresses,
            std::vector<std::string>(
                {"udp://192.0.2.1:53", "udp://[2001:db8::1]:53", "udp://192.0.2.2:5353"}));
  EXPECT_EQ(one.addresses, std::vector<std::string>({"udp://[2001:db8::1]:53"}));
}

TEST_F(ResolveTest, AHostileAnswerIsCutOrRefused) {
  Start();
  Told many, none, unix_only;
  Resolve("many.test", &many);
  Resolve("none.test", &none);
  Resolve("unix.test", &unix_only);
  EXPECT_EQ(hook.Answer(0, std::vector<std::string>(10000, "192.0.2.1:0")), Status(0));
  EXPECT_EQ(hook.Answer(1, {}), Status(0));
  EXPECT_EQ(hook.Answer(2, {"unix:///run/x"}), Status(0));
  EXPECT_TRUE(UntilTold(unix_only));
  EXPECT_EQ(many.addresses.size(), static_cast<size_t>(EVNET_RESOLVER_ADDRESSES_MAX));
  EXPECT_EQ(none.status, Status(EVNET_STATUS_ADDRESS));
  EXPECT_EQ(unix_only.status, Status(EVNET_STATUS_ADDRESS));
}

TEST_F(ResolveTest, OneAnswerCountsAndLateOnesFindNothing) {
  Start();
  Told told, other;
  const evnet_lookup_id id = Resolve("a.test", &told);
  EXPECT_EQ(hook.Answer(0, {"192.0.2.1:0"}), Status(0));
  EXPECT_EQ(hook.Answer(0, {"192.0.2.2:0"}), Status(-ESTALE));
  EXPECT_TRUE(UntilTold(told));
  EXPECT_EQ(told.addresses, std::vector<std::string>({"tcp://192.0.2.1:0"}));
  EXPECT_EQ(Status(evnet_resolve_cancel(harness.reactor(), id)), Status(-ESTALE));
  // The next lookup uses the same index, and the late answer must not reach it.
  Resolve("b.test", &other);
  EXPECT_EQ(hook.queries[1]->id.index, id.index);
  EXPECT_EQ(hook.Answer(0, {"192.0.2.3:0"}), Status(-ESTALE));
  EXPECT_EQ(Status(evnet_lookup_answer(harness.reactor(), {}, 0, nullptr, 0)), Status(-ESTALE));
  EXPECT_EQ(Status(evnet_lookup_answer(harness.reactor(), {~0u, 1}, 0, nullptr, 0)),
            Status(-ESTALE));
  harness.Settle();
  EXPECT_EQ(other.calls, 0);
  EXPECT_EQ(told.calls, 1);
}

TEST_F(ResolveTest, ACancelledLookupIsNotToldAndTheHookLearnsOfIt) {
  Start();
  Told before, after;
  const evnet_lookup_id first = Resolve("a.test", &before);
  const evnet_lookup_id second = Resolve("b.test", &after);
  EXPECT_EQ(Status(evnet_resolve_cancel(harness.reactor(), first)), Status(0));
  EXPECT_TRUE(hook.queries[0]->cancelled);
  EXPECT_EQ(hook.Answer(0, {"192.0.2.1:0"}), Status(-ESTALE));
  // The hook has answered the second one, so it is not asked to cancel it.
  EXPECT_EQ(hook.Answer(1, {"192.0.2.1:0"}), Status(0));
  EXPECT_EQ(Status(evnet_resolve_cancel(harness.reactor(), second)), Status(0));
  EXPECT_EQ(Status(evnet_resolve_cancel(harness.reactor(), second)), Status(-ESTALE));
  EXPECT_FALSE(hook.queries[1]->cancelled);
  harness.Settle();
  EXPECT_EQ(before.calls + after.calls, 0);
}

TEST_F(ResolveTest, ALookupThatHasNotBegunCannotBeCancelled) {
  Status inside = 0;
  hook.inside = [&](evnet_reactor *reactor, evnet_lookup_id id) {
    inside = evnet_resolve_cancel(reactor, id);
  };
  Start();
  Told told;
  const evnet_lookup_id id = Resolve("a.test", &told);
  EXPECT_EQ(inside, Status(-EBUSY));
  EXPECT_EQ(Status(evnet_resolve_cancel(harness.reactor(), id)), Status(0));
  EXPECT_TRUE(hook.queries[0]->cancelled);
}

TEST_F(ResolveTest, AHookThatClosesAllConnectionsClosesNoDialThatItLooksUp) {
  int closed = 0;
  hook.inside = [&](evnet_reactor *reactor, evnet_lookup_id) {
    evnet_conn_id at = {};
    while (evnet_conn *conn = evnet_reactor_next_conn(reactor, at)) {
      at = evnet_conn_get_id(conn);
      closed++;
      evnet_conn_close(conn);
    }
  };
  Start();
  const struct evnet_conn_id id = harness.Dial(At("a.test"));
  EXPECT_EQ(closed, 0);
  EXPECT_EQ(hook.Answer(0, {"tcp://127.0.0.1:1"}), Status(0));
  EXPECT_TRUE(UntilClosed(id));
}

TEST_F(ResolveTest, TheIdOfADialsLookupCancelsNothing) {
  Start();
  const struct evnet_conn_id id = harness.Dial(At("a.test"));
  EXPECT_EQ(Status(evnet_resolve_cancel(harness.reactor(), hook.queries.at(0)->id)),
            Status(-ESTALE));
  EXPECT_EQ(evnet_close(harness.reactor(), id), 0);
  EXPECT_TRUE(UntilClosed(id));
  EXPECT_TRUE(hook.queries[0]->cancelled);
}

TEST_F(ResolveTest, ATimeoutEndsALookup) {
  Start();
  evnet_resolve_options options = {};
  options.timeout_ms = 1;
  Told told;
  Resolve("silent.test", &told, options);
  EXPECT_TRUE(UntilTold(told));
  EXPECT_EQ(told.status, Status(-ETIMEDOUT));
  EXPECT_TRUE(hook.queries[0]->cancelled);
  EXPECT_EQ(hook.Answer(0, {"192.0.2.1:0"}), Status(-ESTALE));
}

TEST_F(ResolveTest, TheHooksErrorsReachTheCaller) {
  Start();
  Told told;
  hook.begin_status = -EMFILE;
  EXPECT_EQ(Status(evnet_resolve(harness.reactor(), "a.test", nullptr, OnFound, &told, nullptr)),
            Status(-EMFILE));
  hook.begin_status = 0;
  hook.start_status = -EAGAIN;
  EXPECT_EQ(Status(evnet_resolve(harness.reactor(), "a.test", nullptr, OnFound, &told, nullptr)),
            Status(-EAGAIN));
  EXPECT_EQ(Status(evnet_dial(harness.reactor(), At("a.test").c_str(), nullptr, nullptr)),
            Status(-EAGAIN));
  hook.start_status = 0;
  Resolve("a.test", &told);
  EXPECT_EQ(hook.begun, 2);
  EXPECT_EQ(hook.Answer(0, {}, -EHOSTUNREACH), Status(0));
  EXPECT_TRUE(UntilTold(told));
  EXPECT_EQ(told.status, Status(-EHOSTUNREACH));
  const struct evnet_conn_id id = harness.Dial(At("b.test"));
  EXPECT_EQ(hook.Answer(1, {}, EVNET_STATUS_ADDRESS), Status(0));
  EXPECT_TRUE(UntilClosed(id));
  EXPECT_EQ(harness.Of(id).reason, Status(EVNET_STATUS_ADDRESS));
}

TEST_F(ResolveTest, DialsAndLookupsShareTheBound) {
  harness.options.lookups_max = 2;
  Start();
  Told told;
  const evnet_lookup_id id = Resolve("a.test", &told);
  harness.Dial(At("b.test"));
  EXPECT_EQ(Status(evnet_resolve(harness.reactor(), "c.test", nullptr, OnFound, &told, nullptr)),
            Status(-EAGAIN));
  EXPECT_EQ(Status(evnet_dial(harness.reactor(), At("c.test").c_str(), nullptr, nullptr)),
            Status(-EAGAIN));
  EXPECT_EQ(harness.Stats().lookups_pending, 2u);
  EXPECT_EQ(Status(evnet_resolve_cancel(harness.reactor(), id)), Status(0));
  Resolve("d.test", &told);
  EXPECT_EQ(harness.Stats().lookups, 3u);
}

TEST_F(ResolveTest, AReactorThatEndsTellsItsLookupsAndThenTheHook) {
  Start();
  struct Chain {
    evnet_reactor *reactor = nullptr;
    evnet_lookup_id other = {};
    Told self;
    Told others;
    int cancelled = 1;
    int again = 0;
  } chain;
  chain.reactor = harness.reactor();
  EXPECT_EQ(evnet_resolve(
                harness.reactor(), "a.test", nullptr,
                [](int status, const evnet_address *addresses, size_t count, void *user) {
                  Chain *const self = static_cast<Chain *>(user);
                  OnFound(status, addresses, count, &self->self);
                  self->cancelled = evnet_resolve_cancel(self->reactor, self->other);
                  self->again = evnet_resolve(self->reactor, "c.test", nullptr, OnFound,
                                              &self->others, nullptr);
                },
                &chain, nullptr),
            0);
  chain.other = Resolve("b.test", &chain.others);
  Told last;
  Resolve("d.test", &last);
  outlives_reactor = true;
  harness.Destroy();
  EXPECT_EQ(chain.self.status, Status(-ESHUTDOWN));
  EXPECT_EQ(chain.cancelled, 0);
  EXPECT_EQ(chain.again, -ESHUTDOWN);
  EXPECT_EQ(chain.others.calls, 0);
  EXPECT_EQ(last.calls, 1);
  EXPECT_EQ(last.status, Status(-ESHUTDOWN));
  for (const auto &query : hook.queries) EXPECT_TRUE(query->cancelled);
  EXPECT_EQ(hook.ended, 1);
}

TEST_F(ResolveTest, AStopDoesNotWaitForLookups) {
  Start();
  Told told;
  Resolve("a.test", &told);
  const struct evnet_conn_id id = harness.Dial(At("b.test"));
  outlives_reactor = true;
  evnet_reactor_stop(harness.reactor(), 60000);
  EXPECT_TRUE(harness.Until([&] { return told.calls > 0; }));
  EXPECT_EQ(told.status, Status(-ESHUTDOWN));
  EXPECT_EQ(harness.Of(id).reason, Status(EVNET_REASON_SHUTDOWN));
  EXPECT_TRUE(hook.queries[0]->cancelled);
  EXPECT_TRUE(hook.queries[1]->cancelled);
  EXPECT_EQ(hook.ended, 1);
}

TEST_F(ResolveTest, ANameOfAnAddressMustBePlain) {
  Start();
  const evnet_address address = ParseAddress("192.0.2.7:80");
  Told good, hostile;
  EXPECT_EQ(evnet_resolve_name(harness.reactor(), &address, 0, OnNamed, &good, nullptr), 0);
  EXPECT_EQ(evnet_resolve_name(harness.reactor(), &address, 0, OnNamed, &hostile, nullptr), 0);
  EXPECT_EQ(hook.queries.at(0)->name, "tcp://192.0.2.7:80");
  const auto answer = [&](size_t index, const char *name) {
    return Status(evnet_lookup_answer_name(harness.reactor(), hook.queries[index]->id, 0, name));
  };
  EXPECT_EQ(hook.Answer(0, {"192.0.2.1:0"}), Status(-ESTALE));  // it is not that kind of lookup
  EXPECT_EQ(answer(0, "seven.test"), Status(0));
  EXPECT_EQ(answer(0, "eight.test"), Status(-ESTALE));
  EXPECT_EQ(answer(1, "a\nb"), Status(0));
  EXPECT_TRUE(UntilTold(hostile));
  EXPECT_EQ(good.name, "seven.test");
  EXPECT_EQ(hostile.status, Status(EVNET_STATUS_ADDRESS));
  const evnet_address local = ParseAddress("unix:///run/x");
  EXPECT_EQ(Status(evnet_resolve_name(harness.reactor(), &local, 0, OnNamed, &good, nullptr)),
            Status(EVNET_STATUS_ADDRESS));
}

TEST_F(ResolveTest, WithoutAHookThreadsLookUp) {
  harness.Start();
  TheNames().Know("a.test", {"192.0.2.1", "[2001:db8::1]"});
  Told known, unknown, number, slow;
  Resolve("a.test", &known);
  Resolve("none.test", &unknown);
  Resolve("2001:db8::7", &number);
  evnet_resolve_options options = {};
  options.timeout_ms = 1;
  Resolve("slow.test", &slow, options);
  EXPECT_TRUE(harness.Until(
      [&] { return known.calls > 0 && unknown.calls > 0 && number.calls > 0 && slow.calls > 0; }));
  EXPECT_EQ(known.addresses,
            std::vector<std::string>({"tcp://192.0.2.1:0", "tcp://[2001:db8::1]:0"}));
  EXPECT_EQ(unknown.status, Status(EVNET_STATUS_ADDRESS));
  EXPECT_EQ(number.addresses, std::vector<std::string>({"tcp://[2001:db8::7]:0"}));
  EXPECT_EQ(slow.status, Status(-ETIMEDOUT));
}

TEST_F(ResolveTest, OptionsOutOfBoundsAreRefused) {
  Start();
  Told told;
  evnet_resolve_options family = {}, transport = {}, timeout = {}, late = {};
  family.family = AF_UNIX;
  transport.transport = EVNET_TRANSPORT_UNIX;
  timeout.timeout_ms = -2;
  late.timeout_ms = EVNET_TIMEOUT_MS_MAX + INT64_C(1);
  for (const evnet_resolve_options &options : {family, transport, timeout, late}) {
    EXPECT_EQ(Status(evnet_resolve(harness.reactor(), "a.test", &options, OnFound, &told, nullptr)),
              Status(EVNET_STATUS_OPTION));
  }
  EXPECT_EQ(Status(evnet_resolve(harness.reactor(), "a:b", nullptr, OnFound, &told, nullptr)),
            Status(EVNET_STATUS_ADDRESS));
  const evnet_address address = ParseAddress("192.0.2.7:80");
  EXPECT_EQ(Status(evnet_resolve_name(harness.reactor(), &address, -2, OnNamed, &told, nullptr)),
            Status(EVNET_STATUS_OPTION));
  EXPECT_TRUE(hook.queries.empty());
}

TEST_F(ResolveTest, WithoutMemoryNothingBegins) {
  Start();
  Told told;
  const evnet_address address = ParseAddress("192.0.2.7:80");
  harness.allocator().fail_at(1, true);
  EXPECT_EQ(Status(evnet_resolve(harness.reactor(), "a.test", nullptr, OnFound, &told, nullptr)),
            Status(-ENOMEM));
  EXPECT_EQ(Status(evnet_resolve_name(harness.reactor(), &address, 0, OnNamed, &told, nullptr)),
            Status(-ENOMEM));
  harness.allocator().fail_at(0, false);
  EXPECT_TRUE(hook.queries.empty());
  Resolve("a.test", &told);
}

TEST_F(ResolveTest, TenThousandLookupsAreInFlight) {
  harness.options.lookups_max = 10000;
  Start();
  std::vector<Told> told(10000);
  for (size_t i = 0; i < told.size(); i++) Resolve(std::to_string(i) + ".test", &told[i]);
  EXPECT_EQ(harness.Stats().lookups_pending, 10000u);
  for (size_t i = told.size(); i-- > 0;) EXPECT_EQ(hook.Answer(i, {"192.0.2.1:0"}), Status(0));
  EXPECT_TRUE(UntilTold(told[0]));
  for (const Told &each : told) ASSERT_EQ(each.calls, 1);
}

TEST_F(ResolveTest, ReactorsHaveHooksOfTheirOwn) {
  Start();
  Hook other_hook;
  Harness other;
  other.options.resolve = &other_hook.table;
  other.Start();
  const struct evnet_conn_id here = harness.Dial(At("a.test"));
  const struct evnet_conn_id there = other.Dial(At("a.test"));
  ASSERT_EQ(hook.queries.size(), 1u);
  ASSERT_EQ(other_hook.queries.size(), 1u);
  EXPECT_EQ(hook.Answer(0, {"127.0.0.1:0"}), Status(0));
  EXPECT_EQ(other_hook.Answer(0, {}), Status(0));
  EXPECT_TRUE(UntilOpen(here));
  EXPECT_TRUE(other.Until([&] { return other.Of(there).closed == 1; }));
  other.Destroy();
  EXPECT_EQ(other_hook.ended, 1);
  EXPECT_EQ(hook.ended, 0);
}

TEST_F(ResolveTest, AHookWithoutOptionalFunctionsIsTaken) {
  hook.table.begin = nullptr;
  hook.table.cancel = nullptr;
  hook.table.end = nullptr;
  hook.table.find_name = nullptr;
  Start();
  Told told;
  const evnet_lookup_id id = Resolve("a.test", &told);
  EXPECT_EQ(Status(evnet_resolve_cancel(harness.reactor(), id)), Status(0));
  Resolve("b.test", &told);
  EXPECT_EQ(hook.Answer(1, {"192.0.2.1:0"}), Status(0));
  EXPECT_TRUE(UntilTold(told));
  // find_name falls back to a thread.
  const evnet_address address = ParseAddress("192.0.2.7:80");
  EXPECT_EQ(evnet_resolve_name(harness.reactor(), &address, EVNET_OFF, OnNamed, &told, nullptr), 0);
  EXPECT_EQ(hook.queries.size(), 2u);
  EXPECT_TRUE(harness.Until([&] { return told.calls == 2; }));
}

}  // namespace
}  // namespace evnet_testing
