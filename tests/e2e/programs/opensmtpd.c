/* What OpenSMTPD 7 does itself for OpenSSL 3, for version 6.8: the key that is
 * taken out of a container to be marked as "signed elsewhere" is put back, as the
 * container would keep an unmarked copy otherwise. Preloaded by src/opensmtpd.rs. */
#define _GNU_SOURCE
#include <dlfcn.h>

typedef struct evp_pkey_st EVP_PKEY;
typedef struct ec_key_st EC_KEY;
int EVP_PKEY_set1_EC_KEY(EVP_PKEY *, EC_KEY *);

EC_KEY *EVP_PKEY_get1_EC_KEY(EVP_PKEY *container)
{
	EC_KEY *(*real)(EVP_PKEY *) =
	    (EC_KEY *(*)(EVP_PKEY *))dlsym(RTLD_NEXT, "EVP_PKEY_get1_EC_KEY");
	EC_KEY *key = real(container);
	if (key != 0)
		EVP_PKEY_set1_EC_KEY(container, key);
	return key;
}
