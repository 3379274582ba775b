// The line of a test that called a helper, so that a failure inside the helper names that line.
#ifndef EVNET_NET_BASE_TESTING_PLACE_H_
#define EVNET_NET_BASE_TESTING_PLACE_H_

namespace evnet_testing {

// A helper takes it as its last parameter, with Place::Here() as the default argument, and fails
// with ADD_FAILURE_AT(place.file, place.line).
struct Place {
  const char *file;
  int line;

  // Both compilers evaluate these defaults where the outermost call stands.
  static Place Here(const char *file = __builtin_FILE(), int line = __builtin_LINE()) {
    return {file, line};
  }
};

}  // namespace evnet_testing

#endif  // EVNET_NET_BASE_TESTING_PLACE_H_
