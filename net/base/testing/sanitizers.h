// Which sanitizers this program was built with. clang has __has_feature, gcc has macros.
#ifndef EVNET_NET_BASE_TESTING_SANITIZERS_H_
#define EVNET_NET_BASE_TESTING_SANITIZERS_H_

namespace evnet_testing {

#if defined(__has_feature)
constexpr bool kIsAddressSanitized = __has_feature(address_sanitizer);
constexpr bool kIsThreadSanitized = __has_feature(thread_sanitizer);
constexpr bool kIsMemorySanitized = __has_feature(memory_sanitizer);
#else
#if defined(__SANITIZE_ADDRESS__)
constexpr bool kIsAddressSanitized = true;
#else
constexpr bool kIsAddressSanitized = false;
#endif
#if defined(__SANITIZE_THREAD__)
constexpr bool kIsThreadSanitized = true;
#else
constexpr bool kIsThreadSanitized = false;
#endif
constexpr bool kIsMemorySanitized = false;  // gcc has none
#endif

// These two keep freed memory, and use more of everything.
constexpr bool kIsSanitized = kIsAddressSanitized || kIsThreadSanitized;

}  // namespace evnet_testing

#endif  // EVNET_NET_BASE_TESTING_SANITIZERS_H_
