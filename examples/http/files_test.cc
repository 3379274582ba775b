// Tests of --root: names, conditions, ranges, and large files.
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <vector>

#include "examples/http/exchange.h"
#include "gtest/gtest.h"
#include "net/base/testing/temp_directory.h"

namespace evnet_testing {
namespace {

std::string Pattern(size_t size) {
  std::string data(size, 0);
  for (size_t i = 0; i < size; i++) data[i] = static_cast<char>(i * 31 + i / 251);
  return data;
}

class HttpFiles : public testing::TestWithParam<const char *> {
 protected:
  HttpFiles() : server({"--root=" + root_.path(), GetParam()}) {
    Write("small.txt", "0123456789");
    Write("large.bin", Pattern(1 << 20));
    EXPECT_EQ(mkdir(root_.File("dir").c_str(), 0755), 0);
    Write("dir/index.html", "<p>dir");
    EXPECT_EQ(mkdir(root_.File("empty").c_str(), 0755), 0);
  }
  ~HttpFiles() override {
    (void)unlink(root_.File("dir/index.html").c_str());
    for (const char *name : {"dir", "empty"}) (void)rmdir(root_.File(name).c_str());
  }

  void SetUp() override {
    if (!server.available()) GTEST_SKIP() << "the backend is not available";
  }

  void Write(const std::string &name, const std::string &text) const {
    std::ofstream(root_.File(name)) << text;
  }

  Response Get(const std::string &path, const std::string &fields = "") const {
    return Ask(server.port(), "GET", path, fields);
  }

  TempDirectory root_;
  HttpServer server;
};

TEST_P(HttpFiles, FilesAreServedWithTheirTypes) {
  const Response small = Get("/small.txt?query");
  EXPECT_EQ(small.status, 200);
  EXPECT_EQ(small.body, "0123456789");
  EXPECT_EQ(small.fields.at("content-type"), "text/plain; charset=utf-8");
  EXPECT_EQ(small.fields.at("x-content-type-options"), "nosniff");
  EXPECT_EQ(Get("/s%6Dall%2Etxt").body, "0123456789");
  const Response large = Get("//./large.bin");
  EXPECT_TRUE(large.body == Pattern(1 << 20));
  EXPECT_EQ(large.fields.at("content-type"), "application/octet-stream");
  const Response head = Ask(server.port(), "HEAD", "/large.bin");
  EXPECT_EQ(head.fields.at("content-length"), "1048576");
  Write("empty.html", "");
  EXPECT_EQ(Get("/empty.html").fields.at("content-length"), "0");
}

TEST_P(HttpFiles, ADirectoryIsItsIndexAndIsNamedWithASlash) {
  EXPECT_EQ(Get("/").body, "Hello, World!");
  Write("index.html", "<p>root");
  EXPECT_EQ(Get("/").body, "<p>root");
  EXPECT_EQ(Get("/dir/").body, "<p>dir");
  EXPECT_EQ(Get("/dir").status, 301);
  EXPECT_EQ(Get("/dir").fields.at("location"), "/dir/");
  EXPECT_EQ(Get("//dir").status, 404) << "the location would be another server";
  EXPECT_EQ(Get("/empty/").status, 404);
  EXPECT_EQ(Get("/small.txt/").status, 404);
  EXPECT_EQ(Ask(server.port(), "POST", "/small.txt").status, 405);
}

TEST_P(HttpFiles, NoNameLeadsOutOfTheDirectory) {
  const std::string secret = root_.path() + ".secret";
  std::ofstream(secret) << "secret";
  const std::string name = secret.substr(secret.rfind('/') + 1);
  ASSERT_EQ(symlink(secret.c_str(), root_.File("link").c_str()), 0);
  ASSERT_EQ(symlink("/tmp", root_.File("linked").c_str()), 0);
  ASSERT_EQ(symlink("small.txt", root_.File("inside").c_str()), 0);
  for (const std::string &path :
       {"/../" + name, "/%2e%2e/" + name, "/.%2E/" + name, "/dir/../../" + name, "/..%2f" + name,
        "/%2e%2e%2f" + name, "/..%5c" + name, "/linked/" + name, std::string("/link"),
        std::string("/inside"), std::string("/.."), std::string("/dir/.."),
        std::string("/%2fetc/passwd"), std::string("//etc/passwd")}) {
    const Response response = Get(path);
    EXPECT_EQ(response.status, 404) << path;
    EXPECT_EQ(response.body.find("secret"), std::string::npos) << path;
  }
  for (const char *path : {"/small.txt%00", "/%00", "/%", "/%4", "/%zz", "/%4g"})
    EXPECT_EQ(Get(path).status, 400) << path;
  EXPECT_EQ(Get("/" + std::string(5000, 'a')).status, 414);
  EXPECT_EQ(Get("/" + std::string(300, 'a')).status, 404);
  (void)unlink(secret.c_str());
}

TEST_P(HttpFiles, OnlyRegularFilesAreServed) {
  ASSERT_EQ(mkfifo(root_.File("fifo").c_str(), 0600), 0);
  EXPECT_EQ(Get("/fifo").status, 404);
  EXPECT_EQ(Get("/small.txt").status, 200) << "opening the FIFO did not block";
}

TEST_P(HttpFiles, ConditionsAreAnsweredWith304) {
  const Response whole = Get("/small.txt");
  const std::string tag = whole.fields.at("etag");
  const std::string modified = whole.fields.at("last-modified");
  const struct {
    std::string fields;
    int status;
  } cases[] = {
      {"If-None-Match: " + tag + "\r\n", 304},
      {"If-None-Match: \"x\", W/" + tag + "\r\n", 304},
      {"If-None-Match: *\r\n", 304},
      {"If-None-Match: \"x\"\r\n", 200},
      {"If-None-Match: \"x\"\r\nIf-Modified-Since: " + modified + "\r\n", 200},
      {"If-Modified-Since: " + modified + "\r\n", 304},
      {"If-Modified-Since: Sunday, 06-Nov-94 08:49:37 GMT\r\n", 200},
      {"If-Modified-Since: Sun Nov  6 08:49:37 1994\r\n", 200},
      {"If-Modified-Since: Fri, 31 Dec 2100 23:59:59 GMT\r\n", 304},
      {"If-Modified-Since: Fri Dec 31 23:59:59 2100\r\n", 304},
      {"If-Modified-Since: yesterday\r\n", 200},
  };
  for (const auto &c : cases) {
    const Response response = Get("/small.txt", c.fields);
    EXPECT_EQ(response.status, c.status) << c.fields;
    EXPECT_EQ(response.fields.at("etag"), tag);
  }
  Write("small.txt", "changed");
  EXPECT_EQ(Get("/small.txt", "If-None-Match: " + tag + "\r\n").status, 200);
}

TEST_P(HttpFiles, ASingleRangeIsAnsweredWithItsPart) {
  const struct {
    const char *range;
    int status;
    const char *body, *content_range;
  } cases[] = {
      {"bytes=0-0", 206, "0", "bytes 0-0/10"},
      {"bytes=2-4", 206, "234", "bytes 2-4/10"},
      {"bytes=7-", 206, "789", "bytes 7-9/10"},
      {"bytes=8-99999999999999999999", 206, "89", "bytes 8-9/10"},
      {"bytes=-3", 206, "789", "bytes 7-9/10"},
      {"bytes=-30", 206, "0123456789", "bytes 0-9/10"},
      {"BYTES=1-1", 206, "1", "bytes 1-1/10"},
      {"bytes=10-", 416, nullptr, "bytes */10"},
      {"bytes=-0", 416, nullptr, "bytes */10"},
      {"bytes=4-2", 200, "0123456789", nullptr},
      {"bytes=0-1,3-4", 200, "0123456789", nullptr},
      {"bytes=a-b", 200, "0123456789", nullptr},
      {"bytes=-", 200, "0123456789", nullptr},
      {"bytes=+1-2", 200, "0123456789", nullptr},
      {"lines=0-1", 200, "0123456789", nullptr},
  };
  for (const auto &c : cases) {
    SCOPED_TRACE(c.range);
    const Response response = Get("/small.txt", std::string("Range: ") + c.range + "\r\n");
    EXPECT_EQ(response.status, c.status);
    if (c.body != nullptr) {
      EXPECT_EQ(response.body, c.body);
    }
    if (c.content_range != nullptr) {
      EXPECT_EQ(response.fields.at("content-range"), c.content_range);
    } else {
      EXPECT_EQ(response.fields.count("content-range"), 0u);
    }
  }
  const Response large = Get("/large.bin", "Range: bytes=100-900099\r\n");
  EXPECT_TRUE(large.body == Pattern(1 << 20).substr(100, 900000));
  EXPECT_EQ(Ask(server.port(), "HEAD", "/small.txt", "Range: bytes=0-1\r\n").status, 200);
}

TEST_P(HttpFiles, IfRangePermitsARangeOfTheSameFileOnly) {
  const Response whole = Get("/small.txt");
  const std::string range = "Range: bytes=0-1\r\nIf-Range: ";
  EXPECT_EQ(Get("/small.txt", range + whole.fields.at("etag") + "\r\n").status, 206);
  EXPECT_EQ(Get("/small.txt", range + whole.fields.at("last-modified") + "\r\n").status, 206);
  EXPECT_EQ(Get("/small.txt", range + "\"x\"\r\n").status, 200);
  EXPECT_EQ(Get("/small.txt", range + "W/" + whole.fields.at("etag") + "\r\n").status, 200);
}

TEST_P(HttpFiles, PipelinedLargeFilesComeInOrderHoweverMany) {
  // evnet queues 64 files of a connection at most; the server reads on when a file was sent.
  Exchange exchange(server.port());
  std::string requests;
  for (int i = 0; i < 80; i++) {
    requests += "GET /large.bin HTTP/1.1\r\nHost: x\r\nRange: bytes=" + std::to_string(i) +
                "-100099\r\n\r\nGET /small.txt HTTP/1.1\r\nHost: x\r\n\r\n";
  }
  exchange.Send(requests);
  exchange.client.ShutdownWrite();
  const std::string large = Pattern(1 << 20);
  for (int i = 0; i < 80; i++) {
    ASSERT_TRUE(exchange.Next().body ==
                large.substr(static_cast<size_t>(i), 100100 - static_cast<size_t>(i)));
    ASSERT_EQ(exchange.Next().body, "0123456789");
  }
  EXPECT_EQ(exchange.Next().status, 0);
}

TEST_P(HttpFiles, AClientThatResetsWhileAFileIsSentHurtsNoOther) {
  for (int i = 0; i < 20; i++) {
    Client client(server.port());
    client.SendAll("GET /large.bin HTTP/1.1\r\nHost: x\r\n\r\n");
    if (i % 2 == 0) client.Receive(1000);
    client.Reset();
  }
  EXPECT_EQ(Get("/small.txt").status, 200);
  server.Stop();
}

INSTANTIATE_TEST_SUITE_P(On, HttpFiles, testing::Values("--backend=epoll", "--backend=io_uring"),
                         [](const testing::TestParamInfo<const char *> &backend) {
                           return std::string(backend.param) == "--backend=epoll" ? "Epoll"
                                                                                  : "IoUring";
                         });

}  // namespace
}  // namespace evnet_testing
