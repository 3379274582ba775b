// libpq on a reactor, with a real PostgreSQL.
#include <errno.h>

#include <string>
#include <vector>

#include "adapters/libpq/evnet_libpq.h"
#include "adapters/testing/database.h"
#include "adapters/testing/loop.h"
#include "gtest/gtest.h"

namespace evnet_testing {
namespace {

// One database for all tests, because it takes seconds to make.
class Libpq : public ::testing::TestWithParam<evnet_backend> {
 public:
  static void SetUpTestSuite() {
    server_ = new PostgresServer;
    if (server_->installed()) server_->Start();
  }
  static void TearDownTestSuite() {
    delete server_;
    server_ = nullptr;
  }

 protected:
  // A connection with its attachment, and what the callbacks saw.
  struct Client {
    ~Client() { Finish(); }
    void Finish() {
      evnet_libpq_detach(attachment);
      PQfinish(connection);
      attachment = nullptr;
      connection = nullptr;
    }
    void Send(const std::string &query) {
      ASSERT_EQ(PQsendQuery(connection, query.c_str()), 1) << PQerrorMessage(connection);
      evnet_libpq_flush(attachment);
    }

    PGconn *connection = nullptr;
    evnet_libpq *attachment = nullptr;
    bool connected = false;
    std::string failure;
    std::vector<std::string> results;
    std::string copied;
    int parts_to_send = 0;  // of a COPY to the server
  };

  void SetUp() override {
    if (!server_->installed()) GTEST_SKIP() << "PostgreSQL is not installed";
  }
  static std::string Describe(PGresult *result) {
    if (result == nullptr) return "end";
    std::string text = PQresStatus(PQresultStatus(result));
    if (PQntuples(result) > 0) text = PQgetvalue(result, 0, 0);
    PQclear(result);
    return text;
  }
  static void OnConnected(evnet_libpq *, void *user) {
    static_cast<Client *>(user)->connected = true;
  }
  static void OnResult(evnet_libpq *, PGresult *result, void *user) {
    static_cast<Client *>(user)->results.push_back(Describe(result));
  }
  static bool OnCopy(evnet_libpq *attachment, void *user) {
    Client *client = static_cast<Client *>(user);
    PGconn *connection = evnet_libpq_connection(attachment);
    const std::string part(100000, 'x');
    const bool sends = client->parts_to_send > 0;
    while (client->parts_to_send > 0) {
      EXPECT_EQ(PQputCopyData(connection, (part + "\n").c_str(), 100001), 1);
      client->parts_to_send--;
      if (client->parts_to_send > 0 && PQflush(connection) == 1) return true;
    }
    if (sends) {
      EXPECT_EQ(PQputCopyEnd(connection, nullptr), 1);
      return false;
    }
    char *row = nullptr;
    int size;
    while ((size = PQgetCopyData(connection, &row, 1)) > 0) {
      client->copied.append(row, static_cast<size_t>(size));
      PQfreemem(row);
    }
    return false;
  }
  static void OnNotify(evnet_libpq *, PGnotify *notify, void *user) {
    static_cast<Client *>(user)->results.push_back(std::string("notify ") + notify->extra);
    PQfreemem(notify);
  }
  static void OnFailed(evnet_libpq *, const char *message, void *user) {
    static_cast<Client *>(user)->failure = message;
  }
  void Start(Client *client, const std::string &connection) {
    client->connection = PQconnectStart(connection.c_str());
    evnet_libpq_callbacks callbacks = {};
    callbacks.on_connected = OnConnected;
    callbacks.on_result = OnResult;
    callbacks.on_copy = OnCopy;
    callbacks.on_notify = OnNotify;
    callbacks.on_failed = OnFailed;
    ASSERT_EQ(evnet_libpq_attach(loop_.get(), client->connection, &callbacks, client,
                                 &client->attachment),
              0);
  }
  void Connect(Client *client) {
    Start(client, server_->Connection());
    loop_.Until([&] { return client->connected || !client->failure.empty(); });
    ASSERT_EQ(client->failure, "");
  }
  void UntilResults(const Client &client, size_t count) {
    loop_.Until([&] { return client.results.size() >= count; });
  }

  static PostgresServer *server_;
  Loop loop_{GetParam()};
};

PostgresServer *Libpq::server_ = nullptr;

TEST_P(Libpq, AQueryHasItsResultsAndAnEnd) {
  Client client;
  Connect(&client);
  client.Send("SELECT 42; SELECT 'two'");
  UntilResults(client, 3);
  EXPECT_EQ(client.results, (std::vector<std::string>{"42", "two", "end"}));
  client.Send("SELECT no_such_column");
  UntilResults(client, 5);
  EXPECT_EQ(client.results[3], "PGRES_FATAL_ERROR");
  client.Send("SELECT 1");
  UntilResults(client, 7);
  EXPECT_EQ(client.results[5], "1");
}

TEST_P(Libpq, ManyConnectionsWaitAtTheSameTime) {
  std::vector<Client> clients(50);
  for (Client &client : clients) Start(&client, server_->Connection());
  loop_.Until([&] {
    for (const Client &client : clients) {
      if (!client.connected) return false;
    }
    return true;
  });
  const int64_t began_ms = NowMs();
  for (Client &client : clients) client.Send("SELECT pg_sleep(0.2), 1");
  for (Client &client : clients) UntilResults(client, 2);
  EXPECT_LT(NowMs() - began_ms, 50 * 200);
}

TEST_P(Libpq, APipelineHasItsResultsInOrder) {
  Client client;
  Connect(&client);
  ASSERT_EQ(PQenterPipelineMode(client.connection), 1);
  std::vector<std::string> expected;
  for (int i = 0; i < 1000; i++) {
    const std::string value = std::to_string(i);
    const char *values[] = {value.c_str()};
    ASSERT_EQ(PQsendQueryParams(client.connection, "SELECT $1::text", 1, nullptr, values, nullptr,
                                nullptr, 0),
              1);
    expected.push_back(value);
    expected.push_back("end");
  }
  ASSERT_EQ(PQpipelineSync(client.connection), 1);
  expected.push_back("PGRES_PIPELINE_SYNC");
  evnet_libpq_flush(client.attachment);
  UntilResults(client, expected.size());
  EXPECT_EQ(client.results, expected);
}

TEST_P(Libpq, ACopyPassesDataBothWays) {
  Client client;
  Connect(&client);
  client.Send("CREATE TEMPORARY TABLE line (text text)");
  UntilResults(client, 2);
  client.results.clear();
  client.parts_to_send = 50;
  client.Send("COPY line FROM STDIN");
  UntilResults(client, 3);
  EXPECT_EQ(client.results, (std::vector<std::string>{"PGRES_COPY_IN", "PGRES_COMMAND_OK", "end"}));
  EXPECT_EQ(client.parts_to_send, 0);
  client.results.clear();
  client.Send("COPY line TO STDOUT");
  UntilResults(client, 3);
  EXPECT_EQ(client.results,
            (std::vector<std::string>{"PGRES_COPY_OUT", "PGRES_COMMAND_OK", "end"}));
  EXPECT_EQ(client.copied.size(), 50u * 100001u);
}

TEST_P(Libpq, NotificationsArrive) {
  Client listens, speaks;
  Connect(&listens);
  Connect(&speaks);
  listens.Send("LISTEN news");
  UntilResults(listens, 2);
  speaks.Send("NOTIFY news, 'hello'");
  UntilResults(listens, 3);
  EXPECT_EQ(listens.results[2], "notify hello");
}

TEST_P(Libpq, ALostConnectionFailsOnceAfterItsResults) {
  Client victim, killer;
  Connect(&victim);
  Connect(&killer);
  victim.Send("SELECT pg_sleep(100)");
  killer.Send("SELECT pg_terminate_backend(" + std::to_string(PQbackendPID(victim.connection)) +
              ")");
  loop_.Until([&] { return !victim.failure.empty(); });
  EXPECT_NE(victim.failure.find("closed the connection"), std::string::npos) << victim.failure;
  ASSERT_FALSE(victim.results.empty());
  EXPECT_EQ(victim.results[0], "PGRES_FATAL_ERROR");
}

TEST_P(Libpq, ARefusedConnectionFails) {
  Client wrong_database;
  Start(&wrong_database, "host=" + server_->directory() + " user=tester dbname=nosuch");
  loop_.Until([&] { return !wrong_database.failure.empty(); });
  EXPECT_NE(wrong_database.failure.find("nosuch"), std::string::npos) << wrong_database.failure;

  evnet_libpq *attachment;
  const evnet_libpq_callbacks callbacks = {};
  PGconn *malformed = PQconnectStart("no such option");
  EXPECT_EQ(evnet_libpq_attach(loop_.get(), malformed, &callbacks, nullptr, &attachment), -EINVAL);
  PQfinish(malformed);
}

// The first address refuses, so libpq closes its socket and opens another one.
TEST_P(Libpq, TheSecondHostIsTriedIfTheFirstRefuses) {
  Client client;
  Start(&client,
        "hostaddr=127.0.0.1,127.0.0.1 host="
        "a,b"
        " port=1,1 user=tester connect_timeout=5");
  loop_.Until([&] { return client.connected || !client.failure.empty(); });
  EXPECT_NE(client.failure.find("refused"), std::string::npos) << client.failure;
  Client both;
  Start(&both, "host=/nonexistent," + server_->directory() + " user=tester dbname=postgres");
  loop_.Until([&] { return both.connected || !both.failure.empty(); });
  EXPECT_TRUE(both.connected) << both.failure;
}

TEST_P(Libpq, ACallbackMayDetachAndFinish) {
  struct Once {
    evnet_libpq *attachment = nullptr;
    PGconn *connection = nullptr;
    bool done = false;
  } once;
  once.connection = PQconnectStart(server_->Connection().c_str());
  evnet_libpq_callbacks callbacks = {};
  callbacks.on_connected = [](evnet_libpq *attachment, void *) {
    EXPECT_EQ(PQsendQuery(evnet_libpq_connection(attachment), "SELECT 1; SELECT 2"), 1);
  };
  callbacks.on_result = [](evnet_libpq *attachment, PGresult *result, void *user) {
    Once *seen = static_cast<Once *>(user);
    EXPECT_FALSE(seen->done);
    PQclear(result);
    evnet_libpq_detach(attachment);
    PQfinish(seen->connection);
    seen->done = true;
  };
  ASSERT_EQ(evnet_libpq_attach(loop_.get(), once.connection, &callbacks, &once, &once.attachment),
            0);
  loop_.Until([&] { return once.done; });
}

TEST_P(Libpq, AReactorThatEndsFailsTheConnection) {
  Client client;
  Connect(&client);
  client.Send("SELECT pg_sleep(100)");
  loop_.Destroy();
  EXPECT_EQ(client.failure, "the event loop has ended");
}

INSTANTIATE_TEST_SUITE_P(OnEach, Libpq, ::testing::Values(EVNET_BACKEND_EPOLL, EVNET_BACKEND_AUTO));

}  // namespace
}  // namespace evnet_testing
