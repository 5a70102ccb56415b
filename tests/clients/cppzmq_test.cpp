/* SPDX-License-Identifier: MPL-2.0 */
/*
 * cppzmq: a program on the C++ binding, which is headers only and so tests
 * zmq.h as much as the library: contexts, sockets, messages, multipart,
 * polling, monitors, proxies, exceptions. With the draft interface, for its
 * pollers.
 *
 * Thread: the main thread, and one thread in some tests.
 */
#define ZMQ_BUILD_DRAFT_API

#include "clients/lib/loaded.h"

#include <array>
#include <atomic>
#include <chrono>
#include <csetjmp>
#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <dlfcn.h>
#include <string>
#include <thread>
#include <vector>

#include <zmq.hpp>
#include <zmq_addon.hpp>

/* The last one: it makes a macro of `fail`. */
extern "C" {
#include <cmocka.h>
}

namespace
{

constexpr int many = 500;
constexpr std::chrono::milliseconds patience{30000};

/* A socket that gives up rather than wait for ever. */
zmq::socket_t patient(zmq::context_t &ctx, zmq::socket_type type)
{
    zmq::socket_t socket(ctx, type);

    socket.set(zmq::sockopt::rcvtimeo, int(patience.count()));
    socket.set(zmq::sockopt::sndtimeo, int(patience.count()));
    socket.set(zmq::sockopt::linger, 0);
    return socket;
}

std::string bind_free(zmq::socket_t &socket)
{
    socket.bind("tcp://127.0.0.1:*");
    return socket.get(zmq::sockopt::last_endpoint);
}

std::string receive(zmq::socket_t &socket)
{
    zmq::message_t message;

    assert_true(bool(socket.recv(message)));
    return message.to_string();
}

void expect(zmq::socket_t &socket, const std::string &text)
{
    assert_string_equal(receive(socket).c_str(), text.c_str());
}

template <class Call> int error_of(Call call)
{
    try {
        call();
    } catch (const zmq::error_t &error) {
        return error.num();
    }
    return 0;
}

void the_library_under_test_is_loaded(void **)
{
    assert_true(is_expected_library_loaded());
}

void messages_are_made_moved_copied_and_compared(void **)
{
    const std::string large(100000, 'x');
    zmq::message_t empty;
    zmq::message_t small(std::string("small"));
    zmq::message_t first(large);
    zmq::message_t second;

    assert_int_equal(empty.size(), 0);
    assert_string_equal(small.to_string().c_str(), "small");
    second.copy(first);
    assert_true(first == second);
    assert_ptr_equal(first.data(), second.data());
    zmq::message_t third(std::move(first));
    assert_int_equal(first.size(), 0);
    assert_true(third.to_string_view() == large);
    third.swap(small);
    assert_true(small.to_string() == large);
    small.rebuild(3);
    assert_int_equal(small.size(), 3);
    assert_true(second.to_string() == large);
}

void a_buffer_is_handed_over_and_freed_once(void **)
{
    static std::atomic<int> freed{0};
    zmq::context_t ctx;
    zmq::socket_t pull = patient(ctx, zmq::socket_type::pull);
    zmq::socket_t push = patient(ctx, zmq::socket_type::push);
    std::vector<char> buffer(1 << 20, 'b');

    freed = 0;
    push.connect(bind_free(pull));
    for (int i = 0; i < 10; i++) {
        zmq::message_t message(
            buffer.data(), buffer.size(), [](void *, void *) { freed++; },
            nullptr);

        assert_true(bool(push.send(message, zmq::send_flags::none)));
    }
    for (int i = 0; i < 10; i++)
        assert_int_equal(receive(pull).size(), buffer.size());
    push.close();
    pull.close();
    ctx.close();
    assert_int_equal(freed.load(), 10);
}

void push_and_pull_between_threads(void **)
{
    zmq::context_t ctx;
    zmq::socket_t pull = patient(ctx, zmq::socket_type::pull);

    pull.bind("inproc://numbers");
    std::thread sender([&ctx] {
        zmq::socket_t push(ctx, zmq::socket_type::push);

        push.connect("inproc://numbers");
        for (int i = 0; i < many; i++)
            push.send(zmq::buffer(&i, sizeof i));
    });
    for (int i = 0; i < many; i++) {
        int number = -1;
        auto got = pull.recv(zmq::buffer(&number, sizeof number));

        assert_true(bool(got));
        assert_int_equal(got->size, sizeof number);
        assert_int_equal(number, i);
    }
    sender.join();
}

void req_and_rep_take_turns_over_tcp(void **)
{
    zmq::context_t ctx(2);
    zmq::socket_t rep = patient(ctx, zmq::socket_type::rep);
    zmq::socket_t req = patient(ctx, zmq::socket_type::req);

    req.connect(bind_free(rep));
    for (int i = 0; i < many; i++) {
        req.send(zmq::str_buffer("question"), zmq::send_flags::sndmore);
        req.send(zmq::buffer(std::to_string(i)));
        expect(rep, "question");
        assert_true(rep.get(zmq::sockopt::rcvmore));
        expect(rep, std::to_string(i));
        rep.send(zmq::str_buffer("answer"), zmq::send_flags::none);
        expect(req, "answer");
    }
    req.send(zmq::str_buffer("one"));
    assert_int_equal(error_of([&] { req.send(zmq::str_buffer("two")); }), EFSM);
}

void subscriptions_are_options(void **)
{
    zmq::context_t ctx;
    zmq::socket_t pub = patient(ctx, zmq::socket_type::xpub);
    zmq::socket_t sub = patient(ctx, zmq::socket_type::sub);

    sub.set(zmq::sockopt::subscribe, "a");
    sub.set(zmq::sockopt::subscribe, std::string("c"));
    sub.connect(bind_free(pub));
    receive(pub);
    receive(pub);
    for (const char *text : {"apple", "beer", "cider"})
        pub.send(zmq::buffer(std::string(text)));
    expect(sub, "apple");
    expect(sub, "cider");
    sub.set(zmq::sockopt::unsubscribe, "a");
    expect(pub, std::string("\0a", 2));
}

void multipart_messages_go_through_a_router(void **)
{
    zmq::context_t ctx;
    zmq::socket_t router = patient(ctx, zmq::socket_type::router);
    zmq::socket_t dealer = patient(ctx, zmq::socket_type::dealer);

    dealer.set(zmq::sockopt::routing_id, "me");
    dealer.connect(bind_free(router));
    for (int i = 0; i < many; i++) {
        zmq::multipart_t message(std::string("body"));

        message.pushstr("head");
        message.addtyp(i);
        message.addmem(nullptr, 0);
        assert_true(message.send(dealer));
        assert_true(message.recv(router));
        assert_int_equal(message.size(), 5);
        assert_string_equal(message.popstr().c_str(), "me");
        message.pushstr("me");
        assert_true(message.send(router));
        assert_true(message.recv(dealer));
        assert_string_equal(message.popstr().c_str(), "head");
        assert_string_equal(message.popstr().c_str(), "body");
        assert_int_equal(message.poptyp<int>(), i);
    }
    std::array<zmq::const_buffer, 2> parts = {zmq::str_buffer("a"),
                                              zmq::str_buffer("b")};
    std::vector<zmq::message_t> received;

    assert_int_equal(*zmq::send_multipart(dealer, parts), 2);
    assert_int_equal(*zmq::recv_multipart(router, std::back_inserter(received)),
                     3);
    assert_string_equal(received[2].to_string().c_str(), "b");
}

void metadata_tell_the_peer(void **)
{
    zmq::context_t ctx;
    zmq::socket_t pull = patient(ctx, zmq::socket_type::pull);
    zmq::socket_t push = patient(ctx, zmq::socket_type::push);
    zmq::message_t message;

    push.connect(bind_free(pull));
    push.send(zmq::str_buffer("x"));
    assert_true(bool(pull.recv(message)));
    assert_string_equal(message.gets("Socket-Type"), "PUSH");
    assert_string_equal(message.gets("Peer-Address"), "127.0.0.1");
    assert_int_equal(error_of([&] { message.gets("No-Such-Thing"); }), EINVAL);
}

void poll_tells_who_is_ready(void **)
{
    zmq::context_t ctx;
    zmq::socket_t pull = patient(ctx, zmq::socket_type::pull);
    zmq::socket_t push = patient(ctx, zmq::socket_type::push);

    push.connect(bind_free(pull));
    std::vector<zmq::pollitem_t> items = {{pull, 0, ZMQ_POLLIN, 0},
                                          {push, 0, ZMQ_POLLOUT, 0}};
    assert_int_equal(zmq::poll(items, patience), 1);
    assert_int_equal(items[0].revents, 0);
    push.send(zmq::str_buffer("x"));
    items.pop_back();
    assert_int_equal(zmq::poll(items, patience), 1);
    assert_int_equal(items[0].revents, ZMQ_POLLIN);
}

class Watcher : public zmq::monitor_t
{
  public:
    std::vector<std::string> seen;

    void on_event_listening(const zmq_event_t &, const char *) override
    {
        seen.push_back("listening");
    }
    void on_event_accepted(const zmq_event_t &, const char *) override
    {
        seen.push_back("accepted");
    }
    void on_event_handshake_succeeded(const zmq_event_t &,
                                      const char *) override
    {
        seen.push_back("ready");
    }
    void on_event_disconnected(const zmq_event_t &, const char *) override
    {
        seen.push_back("disconnected");
    }
};

void a_monitor_calls_its_handlers(void **)
{
    zmq::context_t ctx;
    zmq::socket_t pull = patient(ctx, zmq::socket_type::pull);
    Watcher watcher;

    watcher.init(pull, "inproc://watch", ZMQ_EVENT_ALL);
    {
        zmq::socket_t push = patient(ctx, zmq::socket_type::push);

        push.connect(bind_free(pull));
        push.send(zmq::str_buffer("x"));
        expect(pull, "x");
    }
    while (watcher.seen.empty() || watcher.seen.back() != "disconnected")
        assert_true(watcher.check_event(int(patience.count())));
    const std::vector<std::string> expected = {"listening", "accepted", "ready",
                                               "disconnected"};
    assert_true(watcher.seen == expected);
}

void a_steerable_proxy_ends_when_it_is_told(void **)
{
    zmq::context_t ctx;
    zmq::socket_t control = patient(ctx, zmq::socket_type::pair);
    zmq::socket_t push = patient(ctx, zmq::socket_type::push);
    zmq::socket_t pull = patient(ctx, zmq::socket_type::pull);
    zmq::socket_t front = patient(ctx, zmq::socket_type::pull);
    zmq::socket_t back = patient(ctx, zmq::socket_type::push);
    zmq::socket_t steering = patient(ctx, zmq::socket_type::pair);

    front.bind("inproc://front");
    back.bind("inproc://back");
    control.bind("inproc://control");
    push.connect("inproc://front");
    pull.connect("inproc://back");
    steering.connect("inproc://control");
    std::thread proxy([&] {
        zmq::proxy_steerable(front, back, zmq::socket_ref(), steering);
    });
    for (int i = 0; i < many; i++)
        push.send(zmq::buffer(std::to_string(i)));
    for (int i = 0; i < many; i++)
        expect(pull, std::to_string(i));
    control.send(zmq::str_buffer("TERMINATE"));
    proxy.join();
}

void shutting_down_throws_in_those_who_wait(void **)
{
    zmq::context_t ctx;
    zmq::socket_t pull(ctx, zmq::socket_type::pull);
    std::atomic<int> error{0};

    pull.bind("inproc://nobody");
    std::thread waiting([&] {
        zmq::message_t message;

        error = error_of([&] { (void)pull.recv(message); });
    });
    ctx.shutdown();
    waiting.join();
    assert_int_equal(error.load(), ETERM);
}

void errors_are_exceptions(void **)
{
    zmq::context_t ctx;
    zmq::socket_t pull(ctx, zmq::socket_type::pull);

    assert_int_equal(error_of([&] { pull.bind("nowhere"); }), EINVAL);
    assert_int_equal(error_of([&] { pull.connect("no://where"); }),
                     EPROTONOSUPPORT);
    assert_int_equal(error_of([&] { pull.send(zmq::str_buffer("x")); }),
                     ENOTSUP);
    assert_int_equal(error_of([&] { pull.set(zmq::sockopt::sndhwm, -1); }),
                     EINVAL);
    zmq::message_t message;
    assert_false(bool(pull.recv(message, zmq::recv_flags::dontwait)));
}

/* A library without the draft interface has no pollers. */
void skip_without_pollers()
{
    if (!dlsym(RTLD_DEFAULT, "zmq_poller_new"))
        skip();
}

void an_active_poller_calls_handlers(void **)
{
    skip_without_pollers();
    zmq::context_t ctx;
    zmq::socket_t one = patient(ctx, zmq::socket_type::pull);
    zmq::socket_t two = patient(ctx, zmq::socket_type::pull);
    zmq::socket_t push = patient(ctx, zmq::socket_type::push);
    zmq::active_poller_t poller;
    int from_one = 0;
    int from_two = 0;

    push.connect(bind_free(one));
    push.connect(bind_free(two));
    poller.add(one, zmq::event_flags::pollin, [&](zmq::event_flags) {
        receive(one);
        from_one++;
    });
    poller.add(two, zmq::event_flags::pollin, [&](zmq::event_flags) {
        receive(two);
        from_two++;
    });
    for (int i = 0; i < many; i++)
        push.send(zmq::str_buffer("x"));
    while (from_one + from_two < many)
        assert_true(poller.wait(patience) > 0);
    poller.remove(two);
    assert_int_equal(poller.size(), 1);
}

void a_poller_waits_for_all_at_once(void **)
{
    skip_without_pollers();
    zmq::context_t ctx;
    zmq::socket_t pull = patient(ctx, zmq::socket_type::pull);
    zmq::socket_t push = patient(ctx, zmq::socket_type::push);
    zmq::poller_t<int> poller;
    std::vector<zmq::poller_event<int>> events(2);
    int mark = 7;

    push.connect(bind_free(pull));
    poller.add(pull, zmq::event_flags::pollin, &mark);
    poller.add(push, zmq::event_flags::pollout);
    poller.modify(push, zmq::event_flags::none);
    assert_int_equal(poller.wait_all(events, std::chrono::milliseconds(10)), 0);
    push.send(zmq::str_buffer("x"));
    assert_int_equal(poller.wait_all(events, patience), 1);
    assert_ptr_equal(events[0].user_data, &mark);
    assert_true(events[0].socket == pull);
}

} // namespace

int main()
{
    const CMUnitTest tests[] = {
        cmocka_unit_test(the_library_under_test_is_loaded),
        cmocka_unit_test(messages_are_made_moved_copied_and_compared),
        cmocka_unit_test(a_buffer_is_handed_over_and_freed_once),
        cmocka_unit_test(push_and_pull_between_threads),
        cmocka_unit_test(req_and_rep_take_turns_over_tcp),
        cmocka_unit_test(subscriptions_are_options),
        cmocka_unit_test(multipart_messages_go_through_a_router),
        cmocka_unit_test(metadata_tell_the_peer),
        cmocka_unit_test(poll_tells_who_is_ready),
        cmocka_unit_test(a_monitor_calls_its_handlers),
        cmocka_unit_test(a_steerable_proxy_ends_when_it_is_told),
        cmocka_unit_test(shutting_down_throws_in_those_who_wait),
        cmocka_unit_test(errors_are_exceptions),
        cmocka_unit_test(an_active_poller_calls_handlers),
        cmocka_unit_test(a_poller_waits_for_all_at_once),
    };

    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
