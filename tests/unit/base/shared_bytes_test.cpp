#include <cppunit/extensions/HelperMacros.h>

#include <memory>
#include <string>
#include <vector>

#include "base/shared_bytes.hpp"

namespace giromq::test {

class SharedBytesTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(SharedBytesTest);
    CPPUNIT_TEST(a_copy_does_not_follow_its_original);
    CPPUNIT_TEST(copies_and_slices_share_the_memory);
    CPPUNIT_TEST(a_slice_keeps_the_memory_alive);
    CPPUNIT_TEST(the_owner_lives_as_long_as_the_last_slice);
    CPPUNIT_TEST(empty_bytes_have_no_size);
    CPPUNIT_TEST(a_slice_may_be_empty_at_the_end);
    CPPUNIT_TEST(zero_bytes_inside_are_kept);
    CPPUNIT_TEST_SUITE_END();

    void a_copy_does_not_follow_its_original() {
        std::vector<std::uint8_t> original{1, 2, 3};
        const SharedBytes bytes = SharedBytes::copy_of(original);
        original[0] = 9;
        CPPUNIT_ASSERT_EQUAL(std::size_t{3}, bytes.size());
        CPPUNIT_ASSERT_EQUAL(1, static_cast<int>(bytes.span()[0]));
    }

    void copies_and_slices_share_the_memory() {
        const SharedBytes bytes = SharedBytes::copy_of(std::string_view("payment"));
        const SharedBytes copy = bytes;
        const SharedBytes slice = bytes.slice(3, 4);
        CPPUNIT_ASSERT_EQUAL(bytes.data(), copy.data());
        CPPUNIT_ASSERT_EQUAL(bytes.data() + 3, slice.data());
        CPPUNIT_ASSERT_EQUAL(std::string("ment"), std::string(slice.view()));
    }

    void a_slice_keeps_the_memory_alive() {
        SharedBytes slice;
        {
            const SharedBytes bytes = SharedBytes::copy_of(std::string_view("0123456789"));
            slice = bytes.slice(2, 3).slice(1, 2);
        }
        CPPUNIT_ASSERT_EQUAL(std::string("34"), std::string(slice.view()));
    }

    void the_owner_lives_as_long_as_the_last_slice() {
        auto owner = std::make_shared<std::vector<std::uint8_t>>(std::vector<std::uint8_t>{5, 6, 7});
        const std::weak_ptr<std::vector<std::uint8_t>> watched = owner;
        const std::uint8_t* const data = owner->data();
        SharedBytes slice = SharedBytes(std::move(owner), data, 3).slice(1, 1);
        CPPUNIT_ASSERT(!watched.expired());
        CPPUNIT_ASSERT_EQUAL(6, static_cast<int>(slice.span()[0]));
        slice = SharedBytes();
        CPPUNIT_ASSERT(watched.expired());
    }

    void empty_bytes_have_no_size() {
        CPPUNIT_ASSERT(SharedBytes().empty());
        CPPUNIT_ASSERT(SharedBytes::copy_of(std::string_view()).empty());
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, SharedBytes().span().size());
    }

    void a_slice_may_be_empty_at_the_end() {
        const SharedBytes bytes = SharedBytes::copy_of(std::string_view("ab"));
        CPPUNIT_ASSERT(bytes.slice(2, 0).empty());
        CPPUNIT_ASSERT_EQUAL(std::string("ab"), std::string(bytes.slice(0, 2).view()));
    }

    void zero_bytes_inside_are_kept() {
        const SharedBytes bytes = SharedBytes::copy_of(std::string_view("a\0b", 3));
        CPPUNIT_ASSERT_EQUAL(std::size_t{3}, bytes.size());
        CPPUNIT_ASSERT_EQUAL(std::string("a\0b", 3), std::string(bytes.view()));
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(SharedBytesTest);

}  // namespace giromq::test
