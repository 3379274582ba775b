#include "examples/http/requests.h"

namespace evnet_testing {
namespace {

using std::string_literals::operator""s;

std::string Get(const std::string &fields) {
  return "GET / HTTP/1.1\r\nHost: x\r\n" + fields + "\r\n";
}

std::string Post(const std::string &fields, const std::string &body) {
  return "POST /echo HTTP/1.1\r\nHost: x\r\n" + fields + "\r\n" + body;
}

std::string Chunked(const std::string &body) {
  return Post("Transfer-Encoding: chunked\r\n", body);
}

std::string Line(const std::string &line) { return line + "\r\nHost: x\r\n\r\n"; }

std::vector<Case> RequestLines() {
  return {
      {"simple", Get(""), 0, 1, nullptr},
      {"nothing", "", 0, 0, nullptr},
      {"incomplete", "GET / HTTP/1.1\r\nHost: x\r\n", 0, 0, nullptr},
      {"two_pipelined", Get("") + Get(""), 0, 2, nullptr},
      {"head", Line("HEAD / HTTP/1.1"), 0, 1, nullptr},
      {"unknown_method", Line("BREW /pot HTTP/1.1"), 0, 1, "RFC 9110 9.1: unknown methods get 501"},
      {"method_in_lower_case", Line("get / HTTP/1.1"), 0, 1,
       "RFC 9110 9.1: methods are case-sensitive; 501"},
      {"method_longer_than_all", Line(std::string(33, 'A') + " / HTTP/1.1"), 501, 0, nullptr},
      {"method_with_a_bad_byte", Line("GE(T / HTTP/1.1"), 400, 0, nullptr},
      {"method_missing", Line(" / HTTP/1.1"), 400, 0, nullptr},
      {"tls_hello", "\x16\x03\x01\x02\x00\x01"s, 400, 0, nullptr},
      {"one_empty_line_first", "\r\n" + Get(""), 0, 1, nullptr},
      {"two_empty_lines_first", "\r\n\r\n" + Get(""), 400, 0,
       "RFC 9112 2.2: at least one empty line"},
      {"bare_lf_first", "\n" + Get(""), 400, 0, "RFC 9112 2.2: a bare LF may be rejected"},
      {"empty_line_between", Get("") + "\r\n" + Get(""), 0, 2, nullptr},
      {"http_1_0_without_host", "GET / HTTP/1.0\r\n\r\n", 0, 1, nullptr},
      {"http_1_2", Line("GET / HTTP/1.2"), 0, 1, "RFC 9110 2.5: a higher minor version is 1.1"},
      {"http_2_0", Line("GET / HTTP/2.0"), 505, 0, "RFC 9110 15.6.6: another major version, 505"},
      {"http_2_preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, 0, nullptr},
      {"http_0_9", "GET /\r\n", 400, 0, "RFC 9112 3: the line has no version"},
      {"http_0_9_named", Line("GET / HTTP/0.9"), 505, 0,
       "RFC 9110 15.6.6: another major version, 505"},
      {"version_in_lower_case", Line("GET / http/1.1"), 400, 0, nullptr},
      {"version_of_two_digits", Line("GET / HTTP/1.10"), 400, 0, nullptr},
      {"version_with_a_space", Line("GET / HTTP/1.1 "), 400, 0, nullptr},
      {"version_missing", Line("GET / "), 400, 0, nullptr},
      {"two_spaces", Line("GET  / HTTP/1.1"), 400, 0, "RFC 9112 3: single spaces"},
      {"tab_for_space", Line("GET\t/\tHTTP/1.1"), 400, 0, nullptr},
      {"space_in_target", Line("GET /a b HTTP/1.1"), 400, 0, nullptr},
      {"control_in_target", Line("GET /a\x01 HTTP/1.1"), 400, 0, nullptr},
      {"tab_in_target", Line("GET /a\tb HTTP/1.1"), 400, 0, nullptr},
      {"nul_in_target", Line("GET /\0 HTTP/1.1"s), 400, 0, nullptr},
      {"delete_in_target", Line("GET /\x7f HTTP/1.1"), 400, 0, nullptr},
      {"utf8_in_target", Line("GET /\xc3\xa4 HTTP/1.1"), 400, 0, nullptr},
      {"fragment_in_target", Line("GET /a#b HTTP/1.1"), 400, 0,
       "RFC 9112 3.2: no form has a fragment"},
      {"relative_target", Line("GET index.html HTTP/1.1"), 400, 0, nullptr},
      {"bare_lf_after_line", "GET / HTTP/1.1\nHost: x\r\n\r\n", 400, 0, nullptr},
      {"bare_cr_in_line", "GET / HTTP/1.1\r\rHost: x\r\n\r\n", 400, 0, nullptr},
      {"bare_cr_in_target", Line("GET /\rx HTTP/1.1"), 400, 0, nullptr},
      {"absolute", Line("GET http://x/a HTTP/1.1"), 0, 1, nullptr},
      {"absolute_https_in_capitals", Line("GET HTTPS://x:8/ HTTP/1.1"), 0, 1, nullptr},
      {"absolute_without_path", Line("GET http://x HTTP/1.1"), 0, 1, nullptr},
      {"absolute_without_host", Line("GET http:///a HTTP/1.1"), 400, 0,
       "RFC 9110 4.2.1: an empty host is invalid"},
      {"absolute_with_only_a_port", Line("GET http://:80/a HTTP/1.1"), 400, 0,
       "RFC 9110 4.2.1: an empty host is invalid"},
      {"absolute_with_user", Line("GET http://u:p@x/ HTTP/1.1"), 400, 0,
       "RFC 9110 4.2.4: user information is an error"},
      {"absolute_of_another_scheme", Line("GET ftp://x/ HTTP/1.1"), 400, 0,
       "RFC 9110 7.4: the server has no such scheme"},
      {"absolute_without_host_field", "GET http://x/ HTTP/1.1\r\n\r\n", 400, 0, nullptr},
      {"asterisk", Line("OPTIONS * HTTP/1.1"), 0, 1, nullptr},
      {"asterisk_for_get", Line("GET * HTTP/1.1"), 400, 0, "RFC 9112 3.2.4: for OPTIONS only"},
      {"authority_for_get", Line("GET x:80 HTTP/1.1"), 400, 0, nullptr},
      {"connect_with_a_path", Line("CONNECT /a HTTP/1.1"), 400, 0,
       "RFC 9112 3.2.3: CONNECT has host and port"},
      {"connect_without_port", Line("CONNECT x HTTP/1.1"), 400, 0,
       "RFC 9110 9.3.6: the port is required"},
  };
}

std::vector<Case> Fields() {
  return {
      {"host_missing", "GET / HTTP/1.1\r\n\r\n", 400, 0, nullptr},
      {"host_twice", Get("Host: x\r\n"), 400, 0, "RFC 9112 3.2: more than one Host is 400"},
      {"host_twice_http_1_0", "GET / HTTP/1.0\r\nHost: x\r\nHost: y\r\n\r\n", 400, 0,
       "RFC 9112 3.2: more than one Host is 400"},
      {"host_empty", "GET / HTTP/1.1\r\nHost:\r\n\r\n", 0, 1, nullptr},
      {"host_ip6_with_port", "GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", 0, 1, nullptr},
      {"host_with_a_path", "GET / HTTP/1.1\r\nHost: x/y\r\n\r\n", 400, 0,
       "RFC 9112 3.2: an invalid Host is 400"},
      {"host_with_user", "GET / HTTP/1.1\r\nHost: u@x\r\n\r\n", 400, 0,
       "RFC 9112 3.2: an invalid Host is 400"},
      {"host_with_a_space", "GET / HTTP/1.1\r\nHost: x y\r\n\r\n", 400, 0,
       "RFC 9112 3.2: an invalid Host is 400"},
      {"host_list", "GET / HTTP/1.1\r\nHost: x, y\r\n\r\n", 400, 0,
       "RFC 9112 3.2: an invalid Host is 400"},
      {"host_with_a_bad_port", "GET / HTTP/1.1\r\nHost: x:8a\r\n\r\n", 400, 0,
       "RFC 9112 3.2: an invalid Host is 400"},
      {"host_not_closed", "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", 400, 0,
       "RFC 9112 3.2: an invalid Host is 400"},
      {"space_before_colon", Get("A : b\r\n"), 400, 0, nullptr},
      {"tab_before_colon", Get("A\t: b\r\n"), 400, 0, nullptr},
      {"no_colon", Get("Ab\r\n"), 400, 0, nullptr},
      {"name_empty", Get(": b\r\n"), 400, 0, nullptr},
      {"name_with_a_bad_byte", Get("A(: b\r\n"), 400, 0, nullptr},
      {"name_with_utf8", Get("\xc3\xa4: b\r\n"), 400, 0, nullptr},
      {"value_empty", Get("A:\r\n"), 0, 1, nullptr},
      {"value_of_spaces", Get("A: \t \r\n"), 0, 1, nullptr},
      {"value_without_space", Get("A:b\r\n"), 0, 1, nullptr},
      {"value_with_utf8", Get("A: \xc3\xa4\r\n"), 0, 1, nullptr},
      {"value_with_tab", Get("A: b\tc\r\n"), 0, 1, nullptr},
      {"value_with_nul", Get("A: b\0c\r\n"s), 400, 0, nullptr},
      {"value_with_control", Get("A: b\x01\r\n"), 400, 0, nullptr},
      {"value_with_delete", Get("A: b\x7f\r\n"), 400, 0, nullptr},
      {"value_with_bare_cr", Get("A: b\rc\r\n"), 400, 0, nullptr},
      {"value_with_bare_cr_last", Get("A: b\r\r\n"), 400, 0, nullptr},
      {"bare_lf_after_field", "GET / HTTP/1.1\r\nHost: x\n\r\n", 400, 0, nullptr},
      {"bare_lf_for_the_empty_line", "GET / HTTP/1.1\r\nHost: x\r\n\n", 400, 0, nullptr},
      {"bare_cr_for_the_empty_line", "GET / HTTP/1.1\r\nHost: x\r\n\rA", 400, 0, nullptr},
      {"folded", Get("A: b\r\n c\r\n"), 400, 0, nullptr},
      {"folded_by_tab", Get("A: b\r\n\tc\r\n"), 400, 0, nullptr},
      {"folded_first", "GET / HTTP/1.1\r\n Host: x\r\n\r\n", 400, 0, nullptr},
      {"a_hundred_fields_more", Get([] {
         std::string fields;
         for (int i = 0; i < 100; i++) fields += "A: b\r\n";
         return fields;
       }()),
       431, 0, "RFC 6585 5: too many fields, 431"},
      {"expect_continue", Post("Expect: 100-Continue\r\nContent-Length: 1\r\n", "a"), 0, 1,
       nullptr},
      {"expect_other", Get("Expect: tea\r\n"), 417, 0, nullptr},
      {"expect_other_http_1_0", "GET / HTTP/1.0\r\nExpect: tea\r\n\r\n", 0, 1, nullptr},
  };
}

std::vector<Case> Lengths() {
  return {
      {"length", Post("Content-Length: 3\r\n", "abc") + Get(""), 0, 2, nullptr},
      {"length_of_zero", Post("Content-Length: 0\r\n", "") + Get(""), 0, 2, nullptr},
      {"length_with_zeros", Post("Content-Length: 003\r\n", "abc") + Get(""), 0, 2, nullptr},
      {"length_missing", Post("", "") + Get(""), 0, 2, nullptr},
      {"length_too_long", Post("Content-Length: 5\r\n", "abc"), 0, 0, nullptr},
      {"length_of_get", Get("Content-Length: 3\r\n") + "abc" + Get(""), 0, 2, nullptr},
      {"length_twice", Post("Content-Length: 3\r\nContent-Length: 4\r\n", "abcd"), 400, 0, nullptr},
      {"length_twice_equal", Post("Content-Length: 3\r\nContent-Length: 3\r\n", "abc"), 400, 0,
       nullptr},
      {"length_list", Post("Content-Length: 3, 3\r\n", "abc"), 400, 0, nullptr},
      {"length_plus", Post("Content-Length: +3\r\n", "abc"), 400, 0, nullptr},
      {"length_minus", Post("Content-Length: -3\r\n", "abc"), 400, 0, nullptr},
      {"length_with_a_space", Post("Content-Length: 3 0\r\n", "abc"), 400, 0, nullptr},
      {"length_hexadecimal", Post("Content-Length: 0x3\r\n", "abc"), 400, 0, nullptr},
      {"length_empty", Post("Content-Length:\r\n", ""), 400, 0, nullptr},
      {"length_word", Post("Content-Length: three\r\n", "abc"), 400, 0, nullptr},
      {"length_beyond_64_bits", Post("Content-Length: 18446744073709551619\r\n", "abc"), 413, 0,
       nullptr},
      {"length_and_coding",
       Post("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), 400, 0, nullptr},
      {"coding_and_length",
       Post("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n", "0\r\n\r\n"), 400, 0, nullptr},
      {"coding_unknown", Post("Transfer-Encoding: gzip\r\n", ""), 501, 0, nullptr},
      {"coding_unknown_then_chunked", Post("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"),
       501, 0, "RFC 9112 6.1: an unknown coding gets 501"},
      {"coding_identity", Post("Transfer-Encoding: identity\r\n", ""), 501, 0, nullptr},
      {"coding_prefixed", Post("Transfer-Encoding: xchunked\r\n", ""), 501, 0, nullptr},
      {"coding_quoted", Post("Transfer-Encoding: \"chunked\"\r\n", ""), 501, 0, nullptr},
      {"coding_with_a_parameter", Post("Transfer-Encoding: chunked;a=b\r\n", "0\r\n\r\n"), 501, 0,
       nullptr},
      {"coding_after_chunked", Post("Transfer-Encoding: chunked, gzip\r\n", ""), 400, 0, nullptr},
      {"coding_identity_after", Post("Transfer-Encoding: chunked, identity\r\n", ""), 400, 0,
       nullptr},
      {"coding_chunked_twice", Post("Transfer-Encoding: chunked, chunked\r\n", "0\r\n\r\n"), 400, 0,
       nullptr},
      {"coding_in_two_lines",
       Post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), 400, 0,
       nullptr},
      {"coding_empty", Post("Transfer-Encoding:\r\n", ""), 400, 0,
       "RFC 9112 6.3: chunked is not the last coding"},
      {"coding_after_a_comma", Post("Transfer-Encoding: ,chunked\r\n", "0\r\n\r\n"), 400, 0,
       "RFC 9112 6.3: faulty framing is rejected"},
      {"coding_in_capitals", Post("Transfer-Encoding: CHUNKED\r\n", "0\r\n\r\n"), 0, 1, nullptr},
      {"coding_with_vertical_tab",
       Post("Transfer-Encoding: \x0b"
            "chunked\r\n",
            "0\r\n\r\n"),
       400, 0, nullptr},
      {"coding_in_http_1_0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400,
       0, "RFC 9112 6.1: faulty framing in HTTP/1.0"},
  };
}

std::vector<Case> Chunks() {
  return {
      {"chunks", Chunked("3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n") + Get(""), 0, 2, nullptr},
      {"chunks_unfinished", Chunked("3\r\nabc\r\n"), 0, 0, nullptr},
      {"chunk_size_with_zeros", Chunked("0003\r\nabc\r\n000\r\n\r\n"), 0, 1, nullptr},
      {"chunk_size_missing", Chunked("\r\nabc\r\n"), 400, 0, nullptr},
      {"chunk_size_plus", Chunked("+3\r\nabc\r\n0\r\n\r\n"), 400, 0, nullptr},
      {"chunk_size_minus", Chunked("-3\r\nabc\r\n0\r\n\r\n"), 400, 0, nullptr},
      {"chunk_size_prefixed", Chunked("0x3\r\nabc\r\n0\r\n\r\n"), 400, 0, nullptr},
      {"chunk_size_after_space", Chunked(" 3\r\nabc\r\n0\r\n\r\n"), 400, 0, nullptr},
      {"chunk_size_before_space", Chunked("3 \r\nabc\r\n0\r\n\r\n"), 400, 0, nullptr},
      {"chunk_size_word", Chunked("g\r\n\r\n"), 400, 0, nullptr},
      {"chunk_size_of_17_digits", Chunked("00000000000000003\r\nabc\r\n0\r\n\r\n"), 413, 0,
       "RFC 9112 7.1: limits against overflow"},
      {"chunk_size_beyond_64_bits", Chunked("FFFFFFFFFFFFFFFFF\r\n"), 413, 0, nullptr},
      {"chunk_extension", Chunked("3;a;b=c;d=\"e;\\\"f\"\r\nabc\r\n0;z\r\n\r\n"), 0, 1, nullptr},
      {"chunk_extension_empty", Chunked("3;\r\nabc\r\n0\r\n\r\n"), 400, 0, nullptr},
      {"chunk_extension_without_value", Chunked("3;a=\r\nabc\r\n0\r\n\r\n"), 400, 0,
       "RFC 9112 7.1.1: the value is missing"},
      {"chunk_extension_endless", Chunked("3;" + std::string(100000, 'a')), 400, 0, nullptr},
      {"chunk_extension_with_lf", Chunked("3;a\nabc\r\n0\r\n\r\n"), 400, 0, nullptr},
      {"chunk_extension_with_bare_cr", Chunked("3;a\rb\r\nabc\r\n0\r\n\r\n"), 400, 0, nullptr},
      {"chunk_extension_with_nul", Chunked("3;a=\"\0\"\r\nabc\r\n0\r\n\r\n"s), 400, 0, nullptr},
      {"chunk_size_with_bare_lf", Chunked("3\nabc\r\n0\r\n\r\n"), 400, 0, nullptr},
      {"chunk_size_with_bare_cr", Chunked("3\rabc\r\n0\r\n\r\n"), 400, 0, nullptr},
      {"chunk_data_with_bare_lf", Chunked("3\r\nabc\n0\r\n\r\n"), 400, 0, nullptr},
      {"chunk_data_with_bare_cr", Chunked("3\r\nabc\r0\r\n\r\n"), 400, 0, nullptr},
      {"chunk_data_too_long", Chunked("3\r\nabcd\r\n0\r\n\r\n"), 400, 0, nullptr},
      {"chunk_data_too_short", Chunked("3\r\nab\r\n0\r\n\r\n"), 400, 0, nullptr},
      {"chunk_last_with_bare_lf", Chunked("0\n\n"), 400, 0, nullptr},
      {"chunk_end_with_bare_lf", Chunked("0\r\n\n"), 400, 0, nullptr},
      {"trailer", Chunked("0\r\nA: b\r\nC: d\r\n\r\n") + Get(""), 0, 2, nullptr},
      {"trailer_folded", Chunked("0\r\nA: b\r\n c\r\n\r\n"), 400, 0, nullptr},
      {"trailer_with_space", Chunked("0\r\nA : b\r\n\r\n"), 400, 0, nullptr},
      {"trailer_with_bare_lf", Chunked("0\r\nA: b\n\r\n"), 400, 0, nullptr},
      {"trailer_with_nul", Chunked("0\r\nA: \0\r\n\r\n"s), 400, 0, nullptr},
      {"request_in_a_body", Post("Content-Length: 34\r\n", Get("A: bc\r\n")) + Get(""), 0, 2,
       nullptr},
  };
}

}  // namespace

std::vector<Case> Cases() {
  std::vector<Case> all;
  for (const std::vector<Case> &part : {RequestLines(), Fields(), Lengths(), Chunks()})
    all.insert(all.end(), part.begin(), part.end());
  return all;
}

}  // namespace evnet_testing
