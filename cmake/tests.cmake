# Written by tools/cmake_lists.py from Bazel's BUILD files. Do not edit.

evnet_test(
  net_balancer_balancer_test
  SOURCES
    net/balancer/balancer_test.cc)

evnet_test(
  net_base_testing_explain_test
  SOURCES
    net/base/testing/explain_test.cc
  DEPS
    net_base_testing_place
    net_base_testing_status)

evnet_test(
  net_base_address_resolve_test
  SOURCES
    net/base/address_resolve_test.cc)

evnet_test(
  net_base_address_shortage_test
  LINUX_ONLY
  SOURCES
    net/base/address_shortage_test.cc
  LINK_OPTIONS
    -Wl,--wrap=open)

evnet_test(
  net_base_address_test
  SOURCES
    net/base/address_format_test.cc
    net/base/address_test.cc
  DEPS
    net_base_testing_address_fixture)

evnet_test(
  net_base_assert_test
  SOURCES
    net/base/assert_test.cc)

evnet_test(
  net_base_clock_test
  SOURCES
    net/base/clock_test.cc)

evnet_test(
  net_base_hash_test
  LINUX_ONLY
  SOURCES
    net/base/hash_test.cc
  LINK_OPTIONS
    -Wl,--wrap=getentropy)

evnet_test(
  net_base_host_test
  LINUX_ONLY
  SOURCES
    net/base/host_test.cc
  DEPS
    net_base_testing_address_fixture)

evnet_test(
  net_base_log_test
  SOURCES
    net/base/log_test.cc)

evnet_test(
  net_base_memory_test
  SOURCES
    net/base/memory_test.cc
  DEPS
    net_base_testing_failing_allocator)

evnet_test(
  net_base_progress_test
  LINUX_ONLY
  SOURCES
    net/base/progress_test.cc
  DEPS
    net_base_testing_progress)

evnet_test(
  net_base_status_test
  SOURCES
    net/base/status_test.cc)

evnet_test(
  net_base_text_test
  SOURCES
    net/base/text_test.cc)

evnet_test(
  net_base_version_test
  SOURCES
    net/base/version_test.cc)

evnet_test(
  net_buffer_outbound_files_test
  SOURCES
    net/buffer/outbound_files_test.cc
  DEPS
    net_base_testing_failing_allocator)

evnet_test(
  net_buffer_outbound_lent_test
  SOURCES
    net/buffer/outbound_lent_test.cc
  DEPS
    net_base_testing_failing_allocator)

evnet_test(
  net_buffer_outbound_test
  SOURCES
    net/buffer/outbound_test.cc
  DEPS
    net_base_testing_failing_allocator)

evnet_test(
  net_buffer_ring_model_test
  SOURCES
    net/buffer/ring_model_test.cc
  DEPS
    net_base_testing_failing_allocator)

evnet_test(
  net_buffer_ring_test
  SOURCES
    net/buffer/ring_test.cc
  DEPS
    net_base_testing_failing_allocator)

evnet_test(
  net_metrics_metrics_test
  SOURCES
    net/metrics/metrics_test.cc)

evnet_test(
  net_poller_abort_fork_test
  LINUX_ONLY
  SOURCES
    net/poller/contract_abort_fork_test.cc
  DEPS
    net_poller_testing)

evnet_test(
  net_poller_accept_faults_test
  LINUX_ONLY
  SOURCES
    net/poller/accept_faults_test.cc
  LINK_OPTIONS
    -Wl,--wrap=accept4
  DEPS
    net_poller_testing)

evnet_test(
  net_poller_connect_faults_test
  LINUX_ONLY
  SOURCES
    net/poller/connect_faults_test.cc
  LINK_OPTIONS
    -Wl,--wrap=bind
    -Wl,--wrap=connect
    -Wl,--wrap=epoll_ctl
    -Wl,--wrap=getpeername
    -Wl,--wrap=getsockname
    -Wl,--wrap=getsockopt
    -Wl,--wrap=setsockopt
    -Wl,--wrap=socket
  DEPS
    net_poller_testing
    net_base_testing_udp_client)

evnet_test(
  net_poller_contract_test
  LINUX_ONLY
  SOURCES
    net/poller/contract_accept_test.cc
    net/poller/contract_adopt_test.cc
    net/poller/contract_connect_options_test.cc
    net/poller/contract_connect_test.cc
    net/poller/contract_datagram_test.cc
    net/poller/contract_descriptor_zero_test.cc
    net/poller/contract_duplicate_test.cc
    net/poller/contract_file_test.cc
    net/poller/contract_half_close_test.cc
    net/poller/contract_lifetime_test.cc
    net/poller/contract_options_test.cc
    net/poller/contract_quota_test.cc
    net/poller/contract_recv_test.cc
    net/poller/contract_reuse_port_test.cc
    net/poller/contract_send_test.cc
    net/poller/contract_tcp_info_test.cc
    net/poller/contract_unix_test.cc
    net/poller/contract_wait_test.cc
    net/poller/contract_watch_test.cc
  DEPS
    net_poller_testing
    net_poller_testing_file
    net_base_testing_failing_allocator
    net_base_testing_listener
    net_base_testing_temp_directory
    net_base_testing_udp_client)

evnet_test(
  net_poller_create_faults_uring_test
  SOURCES
    net/poller/uring_create_faults_test.cc
  LINK_OPTIONS
    -Wl,--wrap=eventfd
    -Wl,--wrap=io_uring_queue_init_params
    -Wl,--wrap=io_uring_register_buf_ring
    -Wl,--wrap=mmap
  DEPS
    net_base_testing_failing_allocator)

evnet_test(
  net_poller_datagram_faults_test
  LINUX_ONLY
  SOURCES
    net/poller/datagram_faults_test.cc
  LINK_OPTIONS
    -Wl,--wrap=epoll_ctl
    -Wl,--wrap=recvmmsg
    -Wl,--wrap=recvmsg
    -Wl,--wrap=sendmmsg
    -Wl,--wrap=sendmsg
  DEPS
    net_poller_testing
    net_base_testing_failing_allocator
    net_base_testing_udp_client)

evnet_test(
  net_poller_faults_uring_test
  SOURCES
    net/poller/uring_accept_faults_test.cc
    net/poller/uring_faults_test.cc
  ENVIRONMENT
    EVNET_TEST_BACKEND=io_uring
  DEPS
    net_poller_testing
    net_poller_uring_faults
    net_base_testing_udp_client)

evnet_test(
  net_poller_file_faults_test
  LINUX_ONLY
  SOURCES
    net/poller/file_faults_test.cc
  LINK_OPTIONS
    -Wl,--wrap=sendfile
  DEPS
    net_poller_testing
    net_poller_testing_file)

evnet_test(
  net_poller_fork_test
  LINUX_ONLY
  SOURCES
    net/poller/contract_fork_test.cc
  DEPS
    net_poller_testing)

evnet_test(
  net_poller_kqueue_standin_test
  LINUX_ONLY
  SOURCES
    net/poller/testing/kqueue_standin_test.cc)

evnet_test(
  net_poller_merged_test
  LINUX_ONLY
  SOURCES
    net/poller/contract_merged_test.cc
  LINK_OPTIONS
    -Wl,--wrap=recvmmsg
    -Wl,--wrap=setsockopt
  DEPS
    net_poller_testing
    net_base_testing_udp_client)

evnet_test(
  net_poller_multicast_test
  LINUX_ONLY
  SOURCES
    net/poller/contract_multicast_test.cc
  DEPS
    net_poller_testing
    net_base_testing_net_namespace
    net_base_testing_udp_client)

evnet_test(
  net_poller_pressure_uring_test
  SOURCES
    net/poller/uring_destroy_test.cc
    net/poller/uring_pressure_test.cc
    net/poller/uring_stop_test.cc
  ENVIRONMENT
    EVNET_TEST_BACKEND=io_uring
  DEPS
    net_poller_testing
    net_poller_uring_faults)

evnet_test(
  net_poller_segments_test
  LINUX_ONLY
  SOURCES
    net/poller/contract_segments_test.cc
  LINK_OPTIONS
    -Wl,--wrap=getsockopt
    -Wl,--wrap=sendmmsg
  DEPS
    net_poller_testing
    net_base_testing_net_namespace
    net_base_testing_udp_client)

evnet_test(
  net_poller_sim_test
  SOURCES
    net/poller/testing/sim_connect_test.cc
    net/poller/testing/sim_datagrams_test.cc
    net/poller/testing/sim_files_test.cc
    net/poller/testing/sim_flights_test.cc
    net/poller/testing/sim_handles_test.cc
    net/poller/testing/sim_network_test.cc
    net/poller/testing/sim_test.cc
  DEPS
    net_poller_sim
    net_poller_testing
    net_poller_testing_file
    net_base_testing_udp_client)

evnet_test(
  net_poller_syscall_count_test
  LINUX_ONLY
  SOURCES
    net/poller/syscall_count_test.cc
  LINK_OPTIONS
    -Wl,--wrap=connect
    -Wl,--wrap=epoll_ctl
    -Wl,--wrap=epoll_wait
    -Wl,--wrap=getsockopt
    -Wl,--wrap=read
    -Wl,--wrap=recv
    -Wl,--wrap=recvmmsg
    -Wl,--wrap=recvmsg
    -Wl,--wrap=send
    -Wl,--wrap=sendmsg
    -Wl,--wrap=setsockopt
    -Wl,--wrap=shutdown
    -Wl,--wrap=write
  DEPS
    net_poller_testing
    net_base_testing_udp_client)

evnet_test(
  net_poller_syscall_faults_test
  LINUX_ONLY
  SOURCES
    net/poller/syscall_faults_test.cc
  LINK_OPTIONS
    -Wl,--wrap=bind
    -Wl,--wrap=epoll_create1
    -Wl,--wrap=epoll_ctl
    -Wl,--wrap=epoll_wait
    -Wl,--wrap=eventfd
    -Wl,--wrap=fcntl
    -Wl,--wrap=getsockname
    -Wl,--wrap=getsockopt
    -Wl,--wrap=listen
    -Wl,--wrap=mmap
    -Wl,--wrap=recv
    -Wl,--wrap=recvmsg
    -Wl,--wrap=send
    -Wl,--wrap=sendmsg
    -Wl,--wrap=setsockopt
    -Wl,--wrap=socket
  DEPS
    net_poller_testing)

evnet_test(
  net_poller_unix_faults_test
  LINUX_ONLY
  SOURCES
    net/poller/unix_faults_test.cc
  LINK_OPTIONS
    -Wl,--wrap=bind
    -Wl,--wrap=connect
    -Wl,--wrap=fchmodat
    -Wl,--wrap=flock
    -Wl,--wrap=listen
    -Wl,--wrap=lstat
    -Wl,--wrap=open
    -Wl,--wrap=socket
    -Wl,--wrap=syscall
    -Wl,--wrap=unlink
  DEPS
    net_poller_testing
    net_base_testing_temp_directory)

evnet_test(
  net_poller_unix_race_test
  LINUX_ONLY
  SOURCES
    net/poller/unix_race_test.cc
  DEPS
    net_base_testing_temp_directory)

evnet_test(
  net_proxy_protocol_crc32c_test
  SOURCES
    net/proxy_protocol/crc32c_test.cc
  DEPS
    net_proxy_protocol_crc32c)

evnet_test(
  net_proxy_protocol_haproxy_test
  LINUX_ONLY
  SOURCES
    net/proxy_protocol/haproxy_test.cc
  DEPS
    net_proxy_protocol_proxy_protocol)

evnet_test(
  net_proxy_protocol_parse_test
  SOURCES
    net/proxy_protocol/parse_test.cc
  DEPS
    net_proxy_protocol_crc32c
    net_proxy_protocol_proxy_protocol)

evnet_test(
  net_proxy_protocol_write_test
  SOURCES
    net/proxy_protocol/write_test.cc
  DEPS
    net_proxy_protocol_proxy_protocol)

evnet_test(
  net_reactor_accept_test
  LINUX_ONLY
  SOURCES
    net/reactor/accept_test.cc
  DEPS
    net_reactor_harness)

evnet_test(
  net_reactor_adopt_test
  LINUX_ONLY
  SOURCES
    net/reactor/adopt_test.cc
  DEPS
    net_reactor_harness
    net_base_testing_listener
    net_base_testing_temp_directory
    net_base_testing_udp_client)

evnet_test(
  net_reactor_bucket_test
  SOURCES
    net/reactor/bucket_test.cc)

evnet_test(
  net_reactor_busy_poll_test
  LINUX_ONLY
  SOURCES
    net/reactor/busy_poll_test.cc
  DEPS
    net_reactor_harness)

evnet_test(
  net_reactor_close_test
  LINUX_ONLY
  SOURCES
    net/reactor/close_test.cc
  DEPS
    net_reactor_harness)

evnet_test(
  net_reactor_deadline_test
  LINUX_ONLY
  SOURCES
    net/reactor/deadline_test.cc
  DEPS
    net_reactor_harness)

evnet_test(
  net_reactor_dial_attempts_test
  LINUX_ONLY
  SOURCES
    net/reactor/dial_attempts_test.cc
  DEPS
    net_reactor_dial_fixture)

evnet_test(
  net_reactor_dial_datagram_test
  LINUX_ONLY
  SOURCES
    net/reactor/dial_datagram_test.cc
  DEPS
    net_reactor_harness
    net_base_testing_udp_client)

evnet_test(
  net_reactor_dial_names_test
  LINUX_ONLY
  SOURCES
    net/reactor/dial_names_test.cc
  DEPS
    net_reactor_harness
    net_base_testing_listener
    net_base_testing_net_namespace
    net_base_testing_temp_directory
    net_base_testing_udp_client)

evnet_test(
  net_reactor_dial_options_test
  LINUX_ONLY
  SOURCES
    net/reactor/dial_options_test.cc
  DEPS
    net_reactor_dial_fixture
    net_base_testing_temp_directory)

evnet_test(
  net_reactor_dial_requests_test
  LINUX_ONLY
  SOURCES
    net/reactor/dial_requests_test.cc
  DEPS
    net_reactor_dial_fixture
    net_base_testing_udp_client)

evnet_test(
  net_reactor_dial_test
  LINUX_ONLY
  SOURCES
    net/reactor/dial_test.cc
  DEPS
    net_reactor_dial_fixture
    net_base_testing_temp_directory)

evnet_test(
  net_reactor_drain_test
  LINUX_ONLY
  SOURCES
    net/reactor/drain_test.cc
  DEPS
    net_reactor_harness
    net_base_testing_udp_client)

evnet_test(
  net_reactor_embed_test
  LINUX_ONLY
  SOURCES
    net/reactor/embed_test.cc
  DEPS
    net_reactor_harness)

evnet_test(
  net_reactor_faults_test
  LINUX_ONLY
  SOURCES
    net/reactor/faults_test.cc
  DEPS
    net_reactor_harness)

evnet_test(
  net_reactor_flow_test
  LINUX_ONLY
  SOURCES
    net/reactor/flow_test.cc
  DEPS
    net_reactor_harness)

evnet_test(
  net_reactor_handler_test
  LINUX_ONLY
  SOURCES
    net/reactor/handler_test.cc
  DEPS
    net_reactor_harness
    net_reactor_state
    net_base_testing_listener)

evnet_test(
  net_reactor_hold_test
  LINUX_ONLY
  SOURCES
    net/reactor/hold_test.cc
  DEPS
    net_reactor_harness
    net_reactor_state)

evnet_test(
  net_reactor_inbound_test
  LINUX_ONLY
  SOURCES
    net/reactor/inbound_test.cc
  DEPS
    net_reactor_harness)

evnet_test(
  net_reactor_late_clock_test
  LINUX_ONLY
  SOURCES
    net/reactor/late_clock_test.cc
  DEPS
    net_reactor_harness)

evnet_test(
  net_reactor_limits_test
  LINUX_ONLY
  SOURCES
    net/reactor/limits_test.cc
  DEPS
    net_reactor_harness)

evnet_test(
  net_reactor_linger_test
  LINUX_ONLY
  SOURCES
    net/reactor/linger_test.cc
  DEPS
    net_reactor_harness)

evnet_test(
  net_reactor_mailbox_model_test
  SOURCES
    net/reactor/mailbox_model_test.cc)

evnet_test(
  net_reactor_mailbox_steps_test
  SOURCES
    net/reactor/mailbox_steps_test.cc
  DEPS
    net_reactor_mailbox_steps)

evnet_test(
  net_reactor_mailbox_test
  SOURCES
    net/reactor/mailbox_test.cc
  DEPS
    net_base_testing_long
    net_base_testing_progress)

evnet_test(
  net_reactor_memory_test
  LINUX_ONLY
  SOURCES
    net/reactor/memory_test.cc
  DEPS
    net_reactor_harness
    net_reactor_state)

evnet_test(
  net_reactor_one_shot_test
  SOURCES
    net/reactor/one_shot_test.cc
  DEPS
    net_poller_sim)

evnet_test(
  net_reactor_options_test
  SOURCES
    net/reactor/options_test.cc)

evnet_test(
  net_reactor_others_test
  LINUX_ONLY
  SOURCES
    net/reactor/others_test.cc
  DEPS
    net_reactor_harness)

evnet_test(
  net_reactor_outbound_test
  LINUX_ONLY
  SOURCES
    net/reactor/outbound_test.cc
  DEPS
    net_reactor_harness)

evnet_test(
  net_reactor_peer_test
  LINUX_ONLY
  SOURCES
    net/reactor/peer_test.cc
  DEPS
    net_reactor_harness
    net_base_testing_listener)

evnet_test(
  net_reactor_post_test
  LINUX_ONLY
  SOURCES
    net/reactor/post_test.cc
  DEPS
    net_reactor_harness)

evnet_test(
  net_reactor_pressure_test
  LINUX_ONLY
  SOURCES
    net/reactor/pressure_test.cc
  DEPS
    net_reactor_harness)

evnet_test(
  net_reactor_prewrite_test
  LINUX_ONLY
  SOURCES
    net/reactor/prewrite_test.cc
  DEPS
    net_reactor_harness)

evnet_test(
  net_reactor_random_test
  LINUX_ONLY
  SOURCES
    net/reactor/random_test.cc
  DEPS
    net_reactor_harness
    net_poller_testing_file)

evnet_test(
  net_reactor_rate_test
  LINUX_ONLY
  SOURCES
    net/reactor/rate_test.cc
  DEPS
    net_reactor_harness)

evnet_test(
  net_reactor_resolve_test
  LINUX_ONLY
  SOURCES
    net/reactor/resolve_test.cc
  DEPS
    net_reactor_dial_fixture)

evnet_test(
  net_reactor_resolver_faults_test
  LINUX_ONLY
  SOURCES
    net/reactor/resolver_faults_test.cc
    net/reactor/testing/resolver_fixture.cc
  LINK_OPTIONS
    -Wl,--wrap=calloc
    -Wl,--wrap=malloc
    -Wl,--wrap=pthread_create)

evnet_test(
  net_reactor_resolver_test
  LINUX_ONLY
  SOURCES
    net/reactor/resolver_test.cc
    net/reactor/resolver_threads_test.cc
    net/reactor/testing/resolver_fixture.cc
  DEPS
    net_base_testing_sanitizers)

evnet_test(
  net_reactor_sendfile_test
  LINUX_ONLY
  SOURCES
    net/reactor/sendfile_ends_test.cc
    net/reactor/sendfile_test.cc
  DEPS
    net_reactor_harness
    net_poller_testing_file)

evnet_test(
  net_reactor_socket_test
  LINUX_ONLY
  SOURCES
    net/reactor/socket_test.cc
  DEPS
    net_reactor_harness
    net_poller_sim)

evnet_test(
  net_reactor_splice_test
  LINUX_ONLY
  SOURCES
    net/reactor/splice_test.cc
  LINK_OPTIONS
    -Wl,--wrap=splice
  DEPS
    net_reactor_harness)

evnet_test(
  net_reactor_standstill_test
  LINUX_ONLY
  SOURCES
    net/reactor/standstill_test.cc
  DEPS
    net_reactor_harness)

evnet_test(
  net_reactor_states_test
  LINUX_ONLY
  SOURCES
    net/reactor/states_test.cc
  DEPS
    net_reactor_harness)

evnet_test(
  net_reactor_stats_test
  LINUX_ONLY
  SOURCES
    net/reactor/stats_test.cc
  DEPS
    net_reactor_harness)

evnet_test(
  net_reactor_stop_test
  LINUX_ONLY
  SOURCES
    net/reactor/stop_reading_test.cc
    net/reactor/stop_test.cc
  DEPS
    net_reactor_harness)

evnet_test(
  net_reactor_timer_test
  LINUX_ONLY
  SOURCES
    net/reactor/timer_test.cc
  DEPS
    net_reactor_harness)

evnet_test(
  net_reactor_turn_test
  LINUX_ONLY
  SOURCES
    net/reactor/turn_test.cc
  DEPS
    net_reactor_harness)

evnet_test(
  net_reactor_watch_test
  LINUX_ONLY
  SOURCES
    net/reactor/watch_test.cc
  DEPS
    net_reactor_harness)

evnet_test(
  net_reactor_wheel_test
  SOURCES
    net/reactor/wheel_model_test.cc
    net/reactor/wheel_test.cc)

evnet_test(
  net_server_reliability_churn_test
  LINUX_ONLY
  SOURCES
    net/server/reliability/churn_test.cc
  DEPS
    net_base_testing_failing_allocator
    net_base_testing_long
    net_base_testing_progress
    net_base_testing_sanitizers
    net_base_testing_temp_directory
    net_base_testing_udp_client
    net_server_testing_child
    net_server_testing_client
    net_server_testing_server)

evnet_test(
  net_server_reliability_concurrency_test
  LINUX_ONLY
  SOURCES
    net/server/reliability/concurrency_test.cc
  DEPS
    net_base_testing_failing_allocator
    net_base_testing_long
    net_base_testing_progress
    net_base_testing_sanitizers
    net_base_testing_temp_directory
    net_base_testing_udp_client
    net_server_testing_child
    net_server_testing_client
    net_server_testing_server)

evnet_test(
  net_server_reliability_half_close_test
  LINUX_ONLY
  SOURCES
    net/server/reliability/half_close_test.cc
  DEPS
    net_base_testing_failing_allocator
    net_base_testing_long
    net_base_testing_progress
    net_base_testing_sanitizers
    net_base_testing_temp_directory
    net_base_testing_udp_client
    net_server_testing_child
    net_server_testing_client
    net_server_testing_server)

evnet_test(
  net_server_reliability_integrity_test
  LINUX_ONLY
  SOURCES
    net/server/reliability/integrity_test.cc
  DEPS
    net_base_testing_failing_allocator
    net_base_testing_long
    net_base_testing_progress
    net_base_testing_sanitizers
    net_base_testing_temp_directory
    net_base_testing_udp_client
    net_server_testing_child
    net_server_testing_client
    net_server_testing_server)

evnet_test(
  net_server_reliability_slow_reader_test
  LINUX_ONLY
  SOURCES
    net/server/reliability/slow_reader_test.cc
  DEPS
    net_base_testing_failing_allocator
    net_base_testing_long
    net_base_testing_progress
    net_base_testing_sanitizers
    net_base_testing_temp_directory
    net_base_testing_udp_client
    net_server_testing_child
    net_server_testing_client
    net_server_testing_server)

evnet_test(
  net_server_reliability_start_stop_test
  LINUX_ONLY
  SOURCES
    net/server/reliability/start_stop_test.cc
  DEPS
    net_base_testing_failing_allocator
    net_base_testing_long
    net_base_testing_progress
    net_base_testing_sanitizers
    net_base_testing_temp_directory
    net_base_testing_udp_client
    net_server_testing_child
    net_server_testing_client
    net_server_testing_server)

evnet_test(
  net_server_reliability_stop_load_test
  LINUX_ONLY
  SOURCES
    net/server/reliability/stop_load_test.cc
  DEPS
    net_base_testing_failing_allocator
    net_base_testing_long
    net_base_testing_progress
    net_base_testing_sanitizers
    net_base_testing_temp_directory
    net_base_testing_udp_client
    net_server_testing_child
    net_server_testing_client
    net_server_testing_server)

evnet_test(
  net_server_testing_spin_test
  SOURCES
    net/server/testing/spin_test.cc
  DEPS
    net_server_testing_spin
    net_server_testing_wait)

evnet_test(
  net_server_accept_faults_test
  LINUX_ONLY
  SOURCES
    net/server/accept_faults_test.cc
  LINK_OPTIONS
    -Wl,--wrap=accept4
  DEPS
    net_server_testing_client
    net_server_testing_server)

evnet_test(
  net_server_accept_model_test
  SOURCES
    net/server/accept_model_test.cc)

evnet_test(
  net_server_actions_test
  SOURCES
    net/server/actions_test.cc
  DEPS
    net_server_testing_client
    net_server_testing_server)

evnet_test(
  net_server_address_counts_test
  LINUX_ONLY
  SOURCES
    net/server/address_counts_test.cc
  LINK_OPTIONS
    -Wl,--wrap=getentropy
  DEPS
    net_base_testing_failing_allocator)

evnet_test(
  net_server_addresses_test
  SOURCES
    net/server/addresses_test.cc
  DEPS
    net_server_testing_client
    net_server_testing_server)

evnet_test(
  net_server_adopt_test
  LINUX_ONLY
  SOURCES
    net/server/adopt_test.cc
  DEPS
    net_base_testing_listener
    net_base_testing_udp_client
    net_server_testing_client
    net_server_testing_dial_answer
    net_server_testing_server)

evnet_test(
  net_server_affinity_bsd_test
  SOURCES
    net/server/affinity_bsd_test.cc
  DEPS
    net_server_affinity_bsd)

evnet_test(
  net_server_allocation_requests_test
  SOURCES
    net/server/allocation_requests_test.cc
  DEPS
    net_base_testing_failing_allocator
    net_base_testing_listener
    net_base_testing_udp_client
    net_server_testing_client
    net_server_testing_server)

evnet_test(
  net_server_allocation_test
  SOURCES
    net/server/allocation_test.cc
  DEPS
    net_base_testing_failing_allocator
    net_base_testing_temp_directory
    net_server_testing_client
    net_server_testing_server)

evnet_test(
  net_server_async_test
  LINUX_ONLY
  SOURCES
    net/server/async_ends_test.cc
    net/server/async_test.cc
  LINK_OPTIONS
    -Wl,--wrap=malloc
  DEPS
    net_server_testing_async_fixture)

evnet_test(
  net_server_backend_test
  LINUX_ONLY
  SOURCES
    net/server/backend_test.cc
  LINK_OPTIONS
    -Wl,--wrap=io_uring_submit
    -Wl,--wrap=io_uring_submit_and_get_events
    -Wl,--wrap=io_uring_submit_and_wait_timeout
  DEPS
    net_poller_testing_backend
    net_server_testing_client
    net_server_testing_server)

evnet_test(
  net_server_background_test
  LINUX_ONLY
  SOURCES
    net/server/background_test.cc
  DEPS
    net_base_testing_listener
    net_server_testing_client
    net_server_testing_server)

evnet_test(
  net_server_call_count_test
  LINUX_ONLY
  SOURCES
    net/server/call_count_test.cc
  LINK_OPTIONS
    -Wl,--wrap=accept4
    -Wl,--wrap=clock_gettime
    -Wl,--wrap=epoll_ctl
    -Wl,--wrap=epoll_wait
    -Wl,--wrap=getpeername
    -Wl,--wrap=getsockname
    -Wl,--wrap=getsockopt
    -Wl,--wrap=recv
    -Wl,--wrap=recvmsg
    -Wl,--wrap=send
    -Wl,--wrap=sendmsg
    -Wl,--wrap=setsockopt
  DEPS
    net_base_testing_temp_directory
    net_server_testing_client
    net_server_testing_server)

evnet_test(
  net_server_callbacks_test
  SOURCES
    net/server/callbacks_test.cc
  DEPS
    net_server_testing_client
    net_server_testing_server)

evnet_test(
  net_server_change_addresses_test
  SOURCES
    net/server/change_addresses_test.cc
  DEPS
    net_base_testing_listener
    net_base_testing_temp_directory
    net_base_testing_udp_client
    net_server_testing_client
    net_server_testing_dial_answer
    net_server_testing_server)

evnet_test(
  net_server_cpus_faults_test
  LINUX_ONLY
  SOURCES
    net/server/cpus_faults_test.cc
  LINK_OPTIONS
    -Wl,--wrap=__sched_cpualloc
    -Wl,--wrap=calloc
    -Wl,--wrap=fopen
    -Wl,--wrap=sched_getaffinity
    -Wl,--wrap=sched_setaffinity
    -Wl,--wrap=sysconf
  DEPS
    net_server_testing_client
    net_server_testing_server)

evnet_test(
  net_server_cpus_test
  LINUX_ONLY
  SOURCES
    net/server/cpus_test.cc)

evnet_test(
  net_server_descriptors_test
  LINUX_ONLY
  SOURCES
    net/server/descriptors_test.cc
  DEPS
    net_base_testing_rights_client
    net_base_testing_temp_directory
    net_server_testing_client
    net_server_testing_server)

evnet_test(
  net_server_dial_test
  LINUX_ONLY
  SOURCES
    net/server/dial_places_test.cc
    net/server/dial_test.cc
  DEPS
    net_base_testing_listener
    net_base_testing_udp_client
    net_server_testing_client
    net_server_testing_dial_answer
    net_server_testing_server)

evnet_test(
  net_server_dup_listener_test
  LINUX_ONLY
  SOURCES
    net/server/dup_listener_test.cc
  DEPS
    net_base_testing_temp_directory
    net_base_testing_udp_client
    net_server_testing_client
    net_server_testing_server)

evnet_test(
  net_server_ends_test
  SOURCES
    net/server/ends_test.cc
  DEPS
    net_server_testing_client
    net_server_testing_server)

evnet_test(
  net_server_faults_uring_test
  LINUX_ONLY
  SOURCES
    net/server/uring_faults_test.cc
  ENVIRONMENT
    EVNET_TEST_BACKEND=io_uring
  DEPS
    net_poller_testing_backend
    net_poller_uring_faults
    net_server_testing_client
    net_server_testing_server)

evnet_test(
  net_server_fork_test
  LINUX_ONLY
  SOURCES
    net/server/fork_test.cc
  DEPS
    net_base_testing_temp_directory
    net_server_testing_client
    net_server_testing_server)

evnet_test(
  net_server_handlers_test
  LINUX_ONLY
  SOURCES
    net/server/handlers_test.cc
  DEPS
    net_base_testing_listener
    net_base_testing_udp_client
    net_server_testing_client
    net_server_testing_server)

evnet_test(
  net_server_lifecycle_test
  SOURCES
    net/server/lifecycle_test.cc
  DEPS
    net_base_testing_failing_allocator
    net_server_testing_client
    net_server_testing_server)

evnet_test(
  net_server_limits_test
  LINUX_ONLY
  SOURCES
    net/server/limits_test.cc
  DEPS
    net_server_testing_child
    net_server_testing_client
    net_server_testing_server)

evnet_test(
  net_server_link_local_test
  LINUX_ONLY
  SOURCES
    net/server/link_local_test.cc
  DEPS
    net_base_testing_net_namespace
    net_base_testing_udp_client
    net_server_testing_client
    net_server_testing_server)

evnet_test(
  net_server_lock_faults_test
  LINUX_ONLY
  SOURCES
    net/server/lock_faults_test.cc
  LINK_OPTIONS
    -Wl,--wrap=pthread_cond_destroy
    -Wl,--wrap=pthread_cond_init
    -Wl,--wrap=pthread_mutex_destroy
    -Wl,--wrap=pthread_mutex_init
  DEPS
    net_base_testing_failing_allocator)

evnet_test(
  net_server_log_lines_test
  SOURCES
    net/server/log_lines_test.cc
  DEPS
    net_base_testing_listener
    net_base_testing_temp_directory
    net_base_testing_udp_client
    net_server_testing_client
    net_server_testing_server)

evnet_test(
  net_server_names_test
  LINUX_ONLY
  SOURCES
    net/server/names_test.cc
  LINK_OPTIONS
    -Wl,--wrap=bind
    -Wl,--wrap=socket
  DEPS
    net_base_testing_udp_client
    net_server_testing_client
    net_server_testing_server)

evnet_test(
  net_server_options_test
  LINUX_ONLY
  SOURCES
    net/server/options_test.cc
  DEPS
    net_server_testing_client
    net_server_testing_server)

evnet_test(
  net_server_parity_test
  LINUX_ONLY
  SOURCES
    net/server/parity_test.cc
  DEPS
    net_base_testing_temp_directory
    net_base_testing_udp_client
    net_poller_testing_file
    net_server_testing_client
    net_server_testing_server)

evnet_test(
  net_server_pressure_test
  SOURCES
    net/server/pressure_test.cc
  DEPS
    net_server_testing_client
    net_server_testing_server)

evnet_test(
  net_server_reactor_failure_test
  LINUX_ONLY
  SOURCES
    net/server/reactor_failure_test.cc
  LINK_OPTIONS
    -Wl,--wrap=epoll_wait
  DEPS
    net_server_testing_client
    net_server_testing_server)

evnet_test(
  net_server_reactors_test
  SOURCES
    net/server/reactors_test.cc
  DEPS
    net_server_testing_client
    net_server_testing_server)

evnet_test(
  net_server_reading_test
  SOURCES
    net/server/reading_test.cc
  DEPS
    net_server_testing_client
    net_server_testing_server)

evnet_test(
  net_server_refusals_test
  SOURCES
    net/server/refusals_test.cc
  DEPS
    net_base_testing_failing_allocator
    net_server_testing_client
    net_server_testing_server)

evnet_test(
  net_server_reuse_port_faults_test
  LINUX_ONLY
  SOURCES
    net/server/reuse_port_faults_test.cc
  LINK_OPTIONS
    -Wl,--wrap=bind
  DEPS
    net_server_testing_client
    net_server_testing_server)

evnet_test(
  net_server_reuse_port_test
  SOURCES
    net/server/reuse_port_test.cc
  DEPS
    net_base_testing_udp_client
    net_poller_testing_backend
    net_server_testing_client
    net_server_testing_server)

evnet_test(
  net_server_sendfile_test
  SOURCES
    net/server/sendfile_test.cc
  DEPS
    net_poller_testing_backend
    net_poller_testing_file
    net_server_testing_client
    net_server_testing_server)

evnet_test(
  net_server_sentinels_test
  SOURCES
    net/server/sentinels_test.cc
  DEPS
    net_server_testing_client
    net_server_testing_server)

evnet_test(
  net_server_signal_steps_test
  SOURCES
    net/server/signal_steps_test.cc
  DEPS
    net_server_signal_steps)

evnet_test(
  net_server_signal_test
  SOURCES
    net/server/signal_test.cc
  DEPS
    net_server_testing_client
    net_server_testing_server)

evnet_test(
  net_server_simulate_test
  SOURCES
    net/server/simulate/simulate_test.cc
  DEPS
    net_server_simulation
    net_base_testing_long
    net_base_testing_progress
    net_base_testing_sanitizers)

evnet_test(
  net_server_socket_options_test
  LINUX_ONLY
  SOURCES
    net/server/socket_options_test.cc
  DEPS
    net_server_testing_client
    net_server_testing_server)

evnet_test(
  net_server_stats_simulated_test
  SOURCES
    net/server/stats_simulated_test.cc
  DEPS
    net_server_steps
    net_poller_sim)

evnet_test(
  net_server_stats_test
  SOURCES
    net/server/stats_test.cc
  DEPS
    net_base_testing_udp_client
    net_server_testing_client
    net_server_testing_server)

evnet_test(
  net_server_stop_test
  SOURCES
    net/server/stop_test.cc
  DEPS
    net_server_testing_client
    net_server_testing_server)

evnet_test(
  net_server_threads_faults_test
  LINUX_ONLY
  SOURCES
    net/server/threads_faults_test.cc
  LINK_OPTIONS
    -Wl,--wrap=pthread_create
  DEPS
    net_base_testing_failing_allocator
    net_server_testing_server)

evnet_test(
  net_server_threads_test
  LINUX_ONLY
  SOURCES
    net/server/threads_test.cc
  DEPS
    net_server_testing_client
    net_server_testing_server)

evnet_test(
  net_server_tick_simulated_test
  SOURCES
    net/server/tick_simulated_test.cc
  DEPS
    net_server_steps
    net_poller_sim)

evnet_test(
  net_server_tick_test
  SOURCES
    net/server/tick_test.cc
  DEPS
    net_server_testing_client
    net_server_testing_server)

evnet_test(
  net_server_timeout_test
  SOURCES
    net/server/timeout_test.cc
  DEPS
    net_server_testing_client
    net_server_testing_server)

evnet_test(
  net_server_udp_async_test
  LINUX_ONLY
  SOURCES
    net/server/udp_async_test.cc
  LINK_OPTIONS
    -Wl,--wrap=sendmmsg
  DEPS
    net_base_testing_udp_client
    net_server_testing_server)

evnet_test(
  net_server_udp_errors_test
  LINUX_ONLY
  SOURCES
    net/server/udp_errors_test.cc
  DEPS
    net_base_testing_udp_client
    net_server_testing_client
    net_server_testing_server)

evnet_test(
  net_server_udp_faults_test
  LINUX_ONLY
  SOURCES
    net/server/udp_faults_test.cc
  LINK_OPTIONS
    -Wl,--wrap=epoll_ctl
    -Wl,--wrap=recvmmsg
    -Wl,--wrap=recvmsg
    -Wl,--wrap=sendmmsg
  DEPS
    net_base_testing_udp_client
    net_server_testing_client
    net_server_testing_server)

evnet_test(
  net_server_udp_group_test
  LINUX_ONLY
  SOURCES
    net/server/udp_group_test.cc
  DEPS
    net_base_testing_udp_client
    net_server_testing_client
    net_server_testing_server)

evnet_test(
  net_server_udp_source_test
  LINUX_ONLY
  SOURCES
    net/server/udp_source_test.cc
  DEPS
    net_base_testing_udp_client
    net_server_testing_client
    net_server_testing_server)

evnet_test(
  net_server_udp_test
  SOURCES
    net/server/udp_test.cc
  DEPS
    net_base_testing_udp_client
    net_server_testing_client
    net_server_testing_server)

evnet_test(
  net_server_unix_path_test
  LINUX_ONLY
  SOURCES
    net/server/unix_path_test.cc
  DEPS
    net_base_testing_temp_directory
    net_poller_testing_backend
    net_server_testing_client
    net_server_testing_server)

evnet_test(
  net_server_unix_test
  LINUX_ONLY
  SOURCES
    net/server/unix_test.cc
  DEPS
    net_base_testing_rights_client
    net_base_testing_temp_directory
    net_base_testing_udp_client
    net_server_testing_client
    net_server_testing_server)

evnet_test(
  net_server_workers_test
  SOURCES
    net/server/workers_test.cc
  DEPS
    net_server_steps
    net_base_testing_failing_allocator)

evnet_test(
  net_server_writing_random_test
  LINUX_ONLY
  SOURCES
    net/server/writing_random_test.cc
  DEPS
    net_poller_testing_file
    net_server_testing_client
    net_server_testing_server)

evnet_test(
  net_server_writing_test
  SOURCES
    net/server/writing_test.cc
  DEPS
    net_server_testing_client
    net_server_testing_server)

evnet_test_library(
  net_base_testing_address_fixture)

evnet_test_library(
  net_base_testing_failing_allocator
  DEPS
    net_base_testing_sanitizers)

evnet_test_library(
  net_base_testing_listener
  DEPS
    net_base_testing_udp_client)

evnet_test_library(
  net_base_testing_long)

evnet_test_library(
  net_base_testing_net_namespace
  LINUX_ONLY
  SOURCES
    net/base/testing/net_namespace.cc)

evnet_test_library(
  net_base_testing_place)

evnet_test_library(
  net_base_testing_progress
  SOURCES
    net/base/testing/progress.cc)

evnet_test_library(
  net_base_testing_rights_client)

evnet_test_library(
  net_base_testing_sanitizers)

evnet_test_library(
  net_base_testing_status)

evnet_test_library(
  net_base_testing_temp_directory)

evnet_test_library(
  net_base_testing_udp_client)

evnet_test_library(
  net_poller_sim
  SOURCES
    net/poller/testing/sim.c
    net/poller/testing/sim_address.c
    net/poller/testing/sim_attach.c
    net/poller/testing/sim_client.c
    net/poller/testing/sim_connect.c
    net/poller/testing/sim_datagram.c
    net/poller/testing/sim_descriptor.c
    net/poller/testing/sim_dice.c
    net/poller/testing/sim_file.c
    net/poller/testing/sim_flight.c
    net/poller/testing/sim_group.c
    net/poller/testing/sim_listener.c
    net/poller/testing/sim_poller.c
    net/poller/testing/sim_slot.c
    net/poller/testing/sim_socket.c
    net/poller/testing/sim_step.c
    net/poller/testing/sim_trace.c
    net/poller/testing/sim_turn.c
    net/poller/testing/sim_udp.c
    net/poller/testing/sim_watch.c)

evnet_test_library(
  net_poller_testing
  SOURCES
    net/poller/testing/contract.cc
    net/poller/testing/loop.cc
    net/poller/testing/socket_fixture.cc
  DEPS
    net_poller_testing_backend
    net_base_testing_explain
    net_base_testing_place
    net_base_testing_status
    net_base_testing_temp_directory)

evnet_test_library(
  net_poller_testing_backend
  SOURCES
    net/poller/testing/backend.cc)

evnet_test_library(
  net_poller_testing_file
  SOURCES
    net/poller/testing/file.cc)

evnet_test_library(
  net_poller_uring_faults
  SOURCES
    net/poller/testing/uring_faults.cc
  LINK_OPTIONS
    -Wl,--wrap=io_uring_queue_exit
    -Wl,--wrap=io_uring_submit
    -Wl,--wrap=io_uring_submit_and_get_events
    -Wl,--wrap=io_uring_submit_and_wait_timeout)

evnet_test_library(
  net_proxy_protocol_crc32c
  SOURCES
    net/proxy_protocol/crc32c.c)

evnet_test_library(
  net_proxy_protocol_proxy_protocol
  SOURCES
    net/proxy_protocol/parse.c
    net/proxy_protocol/write.c
  DEPS
    net_proxy_protocol_crc32c)

evnet_test_library(
  net_reactor_dial_fixture
  LINUX_ONLY
  SOURCES
    net/reactor/testing/names.cc
  DEPS
    net_reactor_harness
    net_base_testing_listener)

evnet_test_library(
  net_reactor_harness
  LINUX_ONLY
  SOURCES
    net/reactor/testing/calls.cc
    net/reactor/testing/client.cc
    net/reactor/testing/describe.cc
    net/reactor/testing/harness.cc
    net/reactor/testing/kernel.cc
    net/reactor/testing/steps.cc
  LINK_OPTIONS
    -Wl,--wrap=accept4
    -Wl,--wrap=epoll_wait
    -Wl,--wrap=evnet_clock_now_ns
    -Wl,--wrap=evnet_conn_abort
    -Wl,--wrap=evnet_conn_close
    -Wl,--wrap=evnet_conn_hold
    -Wl,--wrap=evnet_conn_pause_reading
    -Wl,--wrap=evnet_conn_release
    -Wl,--wrap=evnet_conn_resume_reading
    -Wl,--wrap=evnet_conn_sendfile
    -Wl,--wrap=evnet_conn_shutdown_write
    -Wl,--wrap=evnet_conn_write
    -Wl,--wrap=getsockname
    -Wl,--wrap=io_uring_submit_and_get_events
    -Wl,--wrap=io_uring_submit_and_wait_timeout
    -Wl,--wrap=recv
    -Wl,--wrap=send
    -Wl,--wrap=sendfile
    -Wl,--wrap=sendmmsg
    -Wl,--wrap=sendmsg
  DEPS
    net_reactor_state
    net_base_testing_explain
    net_base_testing_failing_allocator
    net_base_testing_place
    net_base_testing_status
    net_poller_testing_backend)

evnet_test_library(
  net_reactor_mailbox_steps
  SOURCES
    net/reactor/mailbox_steps.c)

evnet_test_library(
  net_reactor_state)

evnet_test_library(
  net_server_testing_async_fixture
  DEPS
    net_server_testing_client
    net_server_testing_server)

evnet_test_library(
  net_server_testing_child
  LINUX_ONLY
  SOURCES
    net/server/testing/child.cc
  DEPS
    net_server_testing_server)

evnet_test_library(
  net_server_testing_client
  SOURCES
    net/server/testing/client.cc
  DEPS
    net_server_testing_wait
    net_base_testing_place)

evnet_test_library(
  net_server_testing_dial_answer
  DEPS
    net_server_testing_wait)

evnet_test_library(
  net_server_testing_server
  SOURCES
    net/server/testing/server.cc
  DEPS
    net_server_testing_spin
    net_server_testing_wait
    net_base_testing_explain
    net_base_testing_place
    net_base_testing_status
    net_poller_testing_backend)

evnet_test_library(
  net_server_testing_spin
  SOURCES
    net/server/testing/spin.cc)

evnet_test_library(
  net_server_testing_wait
  SOURCES
    net/server/testing/wait.cc
  DEPS
    net_server_testing_spin
    net_base_testing_explain
    net_base_testing_place)

evnet_test_library(
  net_server_affinity_bsd
  SOURCES
    net/server/internal/affinity_bsd.c
    net/server/internal/cpus_bsd.c)

evnet_test_library(
  net_server_signal_steps
  SOURCES
    net/server/internal/signal_steps.c)

evnet_test_library(
  net_server_simulation
  SOURCES
    net/server/simulate/acts.cc
    net/server/simulate/changes.cc
    net/server/simulate/crowd.cc
    net/server/simulate/datagrams.cc
    net/server/simulate/datagrams_clients.cc
    net/server/simulate/datagrams_oracle.cc
    net/server/simulate/deeds.cc
    net/server/simulate/dials.cc
    net/server/simulate/dials_background.cc
    net/server/simulate/dials_hook.cc
    net/server/simulate/dials_names.cc
    net/server/simulate/dials_record.cc
    net/server/simulate/faces.cc
    net/server/simulate/files.cc
    net/server/simulate/handler.cc
    net/server/simulate/jobs.cc
    net/server/simulate/oracle.cc
    net/server/simulate/oracle_bytes.cc
    net/server/simulate/oracle_states.cc
    net/server/simulate/plan.cc
    net/server/simulate/posters.cc
    net/server/simulate/posters_oracle.cc
    net/server/simulate/rates.cc
    net/server/simulate/settings.cc
    net/server/simulate/simulation.cc
    net/server/simulate/watches.cc
  DEPS
    net_server_steps
    net_poller_sim)

evnet_test_library(
  net_server_steps
  SOURCES
    net/server/internal/steps.c)

evnet_test_library(
  net_base_testing_explain
  ALWAYS_LINK
  SOURCES
    net/base/testing/explain.cc)

evnet_test_again(
  net_poller_abort_fork_uring_test
  net_poller_abort_fork_test
  EVNET_TEST_BACKEND=io_uring)

evnet_test_again(
  net_poller_accept_faults_uring_test
  net_poller_accept_faults_test
  EVNET_TEST_BACKEND=io_uring)

evnet_test_again(
  net_poller_connect_faults_uring_test
  net_poller_connect_faults_test
  EVNET_TEST_BACKEND=io_uring)

evnet_test_again(
  net_poller_contract_uring_test
  net_poller_contract_test
  EVNET_TEST_BACKEND=io_uring)

evnet_test_again(
  net_poller_datagram_faults_uring_test
  net_poller_datagram_faults_test
  EVNET_TEST_BACKEND=io_uring)

evnet_test_again(
  net_poller_fork_uring_test
  net_poller_fork_test
  EVNET_TEST_BACKEND=io_uring)

evnet_test_again(
  net_poller_merged_uring_test
  net_poller_merged_test
  EVNET_TEST_BACKEND=io_uring)

evnet_test_again(
  net_poller_multicast_uring_test
  net_poller_multicast_test
  EVNET_TEST_BACKEND=io_uring)

evnet_test_again(
  net_poller_segments_uring_test
  net_poller_segments_test
  EVNET_TEST_BACKEND=io_uring)

evnet_test_again(
  net_reactor_accept_uring_test
  net_reactor_accept_test
  EVNET_TEST_BACKEND=io_uring)

evnet_test_again(
  net_reactor_adopt_uring_test
  net_reactor_adopt_test
  EVNET_TEST_BACKEND=io_uring)

evnet_test_again(
  net_reactor_busy_poll_uring_test
  net_reactor_busy_poll_test
  EVNET_TEST_BACKEND=io_uring)

evnet_test_again(
  net_reactor_close_uring_test
  net_reactor_close_test
  EVNET_TEST_BACKEND=io_uring)

evnet_test_again(
  net_reactor_deadline_uring_test
  net_reactor_deadline_test
  EVNET_TEST_BACKEND=io_uring)

evnet_test_again(
  net_reactor_dial_attempts_uring_test
  net_reactor_dial_attempts_test
  EVNET_TEST_BACKEND=io_uring)

evnet_test_again(
  net_reactor_dial_datagram_uring_test
  net_reactor_dial_datagram_test
  EVNET_TEST_BACKEND=io_uring)

evnet_test_again(
  net_reactor_dial_options_uring_test
  net_reactor_dial_options_test
  EVNET_TEST_BACKEND=io_uring)

evnet_test_again(
  net_reactor_dial_requests_uring_test
  net_reactor_dial_requests_test
  EVNET_TEST_BACKEND=io_uring)

evnet_test_again(
  net_reactor_dial_uring_test
  net_reactor_dial_test
  EVNET_TEST_BACKEND=io_uring)

evnet_test_again(
  net_reactor_drain_uring_test
  net_reactor_drain_test
  EVNET_TEST_BACKEND=io_uring)

evnet_test_again(
  net_reactor_embed_uring_test
  net_reactor_embed_test
  EVNET_TEST_BACKEND=io_uring)

evnet_test_again(
  net_reactor_faults_uring_test
  net_reactor_faults_test
  EVNET_TEST_BACKEND=io_uring)

evnet_test_again(
  net_reactor_flow_uring_test
  net_reactor_flow_test
  EVNET_TEST_BACKEND=io_uring)

evnet_test_again(
  net_reactor_handler_uring_test
  net_reactor_handler_test
  EVNET_TEST_BACKEND=io_uring)

evnet_test_again(
  net_reactor_hold_uring_test
  net_reactor_hold_test
  EVNET_TEST_BACKEND=io_uring)

evnet_test_again(
  net_reactor_inbound_uring_test
  net_reactor_inbound_test
  EVNET_TEST_BACKEND=io_uring)

evnet_test_again(
  net_reactor_late_clock_uring_test
  net_reactor_late_clock_test
  EVNET_TEST_BACKEND=io_uring)

evnet_test_again(
  net_reactor_limits_uring_test
  net_reactor_limits_test
  EVNET_TEST_BACKEND=io_uring)

evnet_test_again(
  net_reactor_linger_uring_test
  net_reactor_linger_test
  EVNET_TEST_BACKEND=io_uring)

evnet_test_again(
  net_reactor_memory_uring_test
  net_reactor_memory_test
  EVNET_TEST_BACKEND=io_uring)

evnet_test_again(
  net_reactor_others_uring_test
  net_reactor_others_test
  EVNET_TEST_BACKEND=io_uring)

evnet_test_again(
  net_reactor_outbound_uring_test
  net_reactor_outbound_test
  EVNET_TEST_BACKEND=io_uring)

evnet_test_again(
  net_reactor_post_uring_test
  net_reactor_post_test
  EVNET_TEST_BACKEND=io_uring)

evnet_test_again(
  net_reactor_pressure_uring_test
  net_reactor_pressure_test
  EVNET_TEST_BACKEND=io_uring)

evnet_test_again(
  net_reactor_prewrite_uring_test
  net_reactor_prewrite_test
  EVNET_TEST_BACKEND=io_uring)

evnet_test_again(
  net_reactor_random_uring_test
  net_reactor_random_test
  EVNET_TEST_BACKEND=io_uring)

evnet_test_again(
  net_reactor_rate_uring_test
  net_reactor_rate_test
  EVNET_TEST_BACKEND=io_uring)

evnet_test_again(
  net_reactor_resolve_uring_test
  net_reactor_resolve_test
  EVNET_TEST_BACKEND=io_uring)

evnet_test_again(
  net_reactor_sendfile_uring_test
  net_reactor_sendfile_test
  EVNET_TEST_BACKEND=io_uring)

evnet_test_again(
  net_reactor_socket_uring_test
  net_reactor_socket_test
  EVNET_TEST_BACKEND=io_uring)

evnet_test_again(
  net_reactor_splice_uring_test
  net_reactor_splice_test
  EVNET_TEST_BACKEND=io_uring)

evnet_test_again(
  net_reactor_standstill_uring_test
  net_reactor_standstill_test
  EVNET_TEST_BACKEND=io_uring)

evnet_test_again(
  net_reactor_states_uring_test
  net_reactor_states_test
  EVNET_TEST_BACKEND=io_uring)

evnet_test_again(
  net_reactor_stats_uring_test
  net_reactor_stats_test
  EVNET_TEST_BACKEND=io_uring)

evnet_test_again(
  net_reactor_stop_uring_test
  net_reactor_stop_test
  EVNET_TEST_BACKEND=io_uring)

evnet_test_again(
  net_reactor_timer_uring_test
  net_reactor_timer_test
  EVNET_TEST_BACKEND=io_uring)

evnet_test_again(
  net_reactor_turn_uring_test
  net_reactor_turn_test
  EVNET_TEST_BACKEND=io_uring)

evnet_test_again(
  net_reactor_watch_uring_test
  net_reactor_watch_test
  EVNET_TEST_BACKEND=io_uring)

evnet_test_again(
  net_server_reliability_churn_uring_test
  net_server_reliability_churn_test
  EVNET_TEST_BACKEND=io_uring)

evnet_test_again(
  net_server_reliability_concurrency_uring_test
  net_server_reliability_concurrency_test
  EVNET_TEST_BACKEND=io_uring)

evnet_test_again(
  net_server_reliability_half_close_uring_test
  net_server_reliability_half_close_test
  EVNET_TEST_BACKEND=io_uring)

evnet_test_again(
  net_server_reliability_integrity_uring_test
  net_server_reliability_integrity_test
  EVNET_TEST_BACKEND=io_uring)

evnet_test_again(
  net_server_reliability_slow_reader_uring_test
  net_server_reliability_slow_reader_test
  EVNET_TEST_BACKEND=io_uring)

evnet_test_again(
  net_server_reliability_start_stop_uring_test
  net_server_reliability_start_stop_test
  EVNET_TEST_BACKEND=io_uring)

evnet_test_again(
  net_server_reliability_stop_load_uring_test
  net_server_reliability_stop_load_test
  EVNET_TEST_BACKEND=io_uring)

evnet_test_again(
  net_server_actions_uring_test
  net_server_actions_test
  EVNET_TEST_BACKEND=io_uring)

evnet_test_again(
  net_server_addresses_uring_test
  net_server_addresses_test
  EVNET_TEST_BACKEND=io_uring)

evnet_test_again(
  net_server_adopt_uring_test
  net_server_adopt_test
  EVNET_TEST_BACKEND=io_uring)

evnet_test_again(
  net_server_allocation_requests_uring_test
  net_server_allocation_requests_test
  EVNET_TEST_BACKEND=io_uring)

evnet_test_again(
  net_server_allocation_uring_test
  net_server_allocation_test
  EVNET_TEST_BACKEND=io_uring)

evnet_test_again(
  net_server_async_uring_test
  net_server_async_test
  EVNET_TEST_BACKEND=io_uring)

evnet_test_again(
  net_server_background_uring_test
  net_server_background_test
  EVNET_TEST_BACKEND=io_uring)

evnet_test_again(
  net_server_callbacks_uring_test
  net_server_callbacks_test
  EVNET_TEST_BACKEND=io_uring)

evnet_test_again(
  net_server_change_addresses_uring_test
  net_server_change_addresses_test
  EVNET_TEST_BACKEND=io_uring)

evnet_test_again(
  net_server_descriptors_uring_test
  net_server_descriptors_test
  EVNET_TEST_BACKEND=io_uring)

evnet_test_again(
  net_server_dial_uring_test
  net_server_dial_test
  EVNET_TEST_BACKEND=io_uring)

evnet_test_again(
  net_server_dup_listener_uring_test
  net_server_dup_listener_test
  EVNET_TEST_BACKEND=io_uring)

evnet_test_again(
  net_server_ends_uring_test
  net_server_ends_test
  EVNET_TEST_BACKEND=io_uring)

evnet_test_again(
  net_server_fork_uring_test
  net_server_fork_test
  EVNET_TEST_BACKEND=io_uring)

evnet_test_again(
  net_server_handlers_uring_test
  net_server_handlers_test
  EVNET_TEST_BACKEND=io_uring)

evnet_test_again(
  net_server_lifecycle_uring_test
  net_server_lifecycle_test
  EVNET_TEST_BACKEND=io_uring)

evnet_test_again(
  net_server_limits_uring_test
  net_server_limits_test
  EVNET_TEST_BACKEND=io_uring)

evnet_test_again(
  net_server_link_local_uring_test
  net_server_link_local_test
  EVNET_TEST_BACKEND=io_uring)

evnet_test_again(
  net_server_names_uring_test
  net_server_names_test
  EVNET_TEST_BACKEND=io_uring)

evnet_test_again(
  net_server_options_uring_test
  net_server_options_test
  EVNET_TEST_BACKEND=io_uring)

evnet_test_again(
  net_server_parity_uring_test
  net_server_parity_test
  EVNET_TEST_BACKEND=io_uring)

evnet_test_again(
  net_server_pressure_uring_test
  net_server_pressure_test
  EVNET_TEST_BACKEND=io_uring)

evnet_test_again(
  net_server_reactors_uring_test
  net_server_reactors_test
  EVNET_TEST_BACKEND=io_uring)

evnet_test_again(
  net_server_reading_uring_test
  net_server_reading_test
  EVNET_TEST_BACKEND=io_uring)

evnet_test_again(
  net_server_refusals_uring_test
  net_server_refusals_test
  EVNET_TEST_BACKEND=io_uring)

evnet_test_again(
  net_server_reuse_port_faults_uring_test
  net_server_reuse_port_faults_test
  EVNET_TEST_BACKEND=io_uring)

evnet_test_again(
  net_server_reuse_port_uring_test
  net_server_reuse_port_test
  EVNET_TEST_BACKEND=io_uring)

evnet_test_again(
  net_server_sendfile_uring_test
  net_server_sendfile_test
  EVNET_TEST_BACKEND=io_uring)

evnet_test_again(
  net_server_sentinels_uring_test
  net_server_sentinels_test
  EVNET_TEST_BACKEND=io_uring)

evnet_test_again(
  net_server_signal_uring_test
  net_server_signal_test
  EVNET_TEST_BACKEND=io_uring)

evnet_test_again(
  net_server_socket_options_uring_test
  net_server_socket_options_test
  EVNET_TEST_BACKEND=io_uring)

evnet_test_again(
  net_server_stats_uring_test
  net_server_stats_test
  EVNET_TEST_BACKEND=io_uring)

evnet_test_again(
  net_server_stop_uring_test
  net_server_stop_test
  EVNET_TEST_BACKEND=io_uring)

evnet_test_again(
  net_server_tick_uring_test
  net_server_tick_test
  EVNET_TEST_BACKEND=io_uring)

evnet_test_again(
  net_server_timeout_uring_test
  net_server_timeout_test
  EVNET_TEST_BACKEND=io_uring)

evnet_test_again(
  net_server_udp_async_uring_test
  net_server_udp_async_test
  EVNET_TEST_BACKEND=io_uring)

evnet_test_again(
  net_server_udp_errors_uring_test
  net_server_udp_errors_test
  EVNET_TEST_BACKEND=io_uring)

evnet_test_again(
  net_server_udp_faults_uring_test
  net_server_udp_faults_test
  EVNET_TEST_BACKEND=io_uring)

evnet_test_again(
  net_server_udp_group_uring_test
  net_server_udp_group_test
  EVNET_TEST_BACKEND=io_uring)

evnet_test_again(
  net_server_udp_source_uring_test
  net_server_udp_source_test
  EVNET_TEST_BACKEND=io_uring)

evnet_test_again(
  net_server_udp_uring_test
  net_server_udp_test
  EVNET_TEST_BACKEND=io_uring)

evnet_test_again(
  net_server_unix_path_uring_test
  net_server_unix_path_test
  EVNET_TEST_BACKEND=io_uring)

evnet_test_again(
  net_server_unix_uring_test
  net_server_unix_test
  EVNET_TEST_BACKEND=io_uring)

evnet_test_again(
  net_server_writing_random_uring_test
  net_server_writing_random_test
  EVNET_TEST_BACKEND=io_uring)

evnet_test_again(
  net_server_writing_uring_test
  net_server_writing_test
  EVNET_TEST_BACKEND=io_uring)
