/* SPDX-License-Identifier: Apache-2.0 */
/* One public header alone, twice: it needs nothing before it and guards itself. */
#include SYNCTALK_TEST_HEADER
#include SYNCTALK_TEST_HEADER

int main(void)
{
    return 0;
}
