// The symbols of this layer's internal functions. Written by tools/symbols.py --write.
//
// Without it they would collide with functions of a program that links the static library. The
// functions keep their short names in the sources and in debuggers.
#ifndef EVNET_NET_BASE_INTERNAL_NAMES_H_
#define EVNET_NET_BASE_INTERNAL_NAMES_H_

#pragma redefine_extname numeric_check_name evnet_internal_numeric_check_name
#pragma redefine_extname numeric_is_ip6 evnet_internal_numeric_is_ip6
#pragma redefine_extname numeric_read_decimal evnet_internal_numeric_read_decimal
#pragma redefine_extname numeric_read_ip4 evnet_internal_numeric_read_ip4
#pragma redefine_extname numeric_read_ip6 evnet_internal_numeric_read_ip6
#pragma redefine_extname numeric_set_ip4 evnet_internal_numeric_set_ip4
#pragma redefine_extname numeric_set_ip6 evnet_internal_numeric_set_ip6
#pragma redefine_extname report_refuse evnet_internal_report_refuse

#endif  // EVNET_NET_BASE_INTERNAL_NAMES_H_
