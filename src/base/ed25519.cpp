#include "base/ed25519.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/sha256.h"

namespace capstan {

namespace {

struct Free {
  void operator()(BIO* bio) const { BIO_free_all(bio); }
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

constexpr std::size_t signature_size = 64;

EVP_PKEY* as_key(const std::shared_ptr<void>& key) { return static_cast<EVP_PKEY*>(key.get()); }

// An encrypted key asks for a password: nobody is there to answer.
int no_password(char*, int, int, void*) { return -1; }

template <class Read>
std::shared_ptr<void> read_key(std::string_view pem, Read read) {
  const std::unique_ptr<BIO, Free> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  EVP_PKEY* const key = bio ? read(bio.get(), nullptr, no_password, nullptr) : nullptr;
  if (key == nullptr) return nullptr;
  std::shared_ptr<void> owned(key, [](void* one) { EVP_PKEY_free(static_cast<EVP_PKEY*>(one)); });
  return EVP_PKEY_get_id(key) == EVP_PKEY_ED25519 ? owned : nullptr;
}

std::string fingerprint_of(const std::shared_ptr<void>& key) {
  unsigned char* der = nullptr;
  const int size = i2d_PUBKEY(as_key(key), &der);
  if (size <= 0) return {};
  std::string hex = to_hex(sha256({reinterpret_cast<const char*>(der), static_cast<std::size_t>(size)}));
  OPENSSL_free(der);
  return hex;
}

const unsigned char* bytes(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

}  // namespace

Result<SigningKey> SigningKey::from_pem(const Secret& pem) {
  SigningKey key;
  key.key_ = read_key(pem.reveal(), PEM_read_bio_PrivateKey);
  if (!key.key_)
    return Error(ErrorCode::wrong_value,
                 "reading the signing key: expected an Ed25519 private key in PEM without a password, as `openssl "
                 "genpkey -algorithm ed25519` writes it");
  key.fingerprint_ = fingerprint_of(key.key_);
  return key;
}

std::string SigningKey::sign(std::string_view message) const {
  const std::unique_ptr<EVP_MD_CTX, Free> context(EVP_MD_CTX_new());
  std::string signature(signature_size, '\0');
  std::size_t size = signature.size();
  EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, as_key(key_));
  EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size, bytes(message),
                 message.size());
  return signature;
}

Result<VerifyingKey> VerifyingKey::from_pem(std::string_view pem) {
  VerifyingKey key;
  key.key_ = read_key(pem, PEM_read_bio_PUBKEY);
  if (!key.key_) key.key_ = read_key(pem, PEM_read_bio_PrivateKey);
  if (!key.key_)
    return Error(ErrorCode::wrong_value,
                 "reading the public key: expected an Ed25519 public key in PEM, as `openssl pkey -pubout` writes it");
  key.fingerprint_ = fingerprint_of(key.key_);
  return key;
}

bool VerifyingKey::accepts(std::string_view message, std::string_view signature) const {
  const std::unique_ptr<EVP_MD_CTX, Free> context(EVP_MD_CTX_new());
  return EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, as_key(key_)) == 1 &&
         EVP_DigestVerify(context.get(), bytes(signature), signature.size(), bytes(message), message.size()) == 1;
}

}  // namespace capstan
