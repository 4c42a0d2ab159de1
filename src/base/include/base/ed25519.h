// Ed25519 signatures (RFC 8032) with keys in PEM files, as `openssl genpkey -algorithm ed25519` makes them. Immutable;
// any thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"

namespace capstan {

class SigningKey {
public:
  // PKCS #8, not encrypted. wrong_value when it is no Ed25519 private key.
  static Result<SigningKey> from_pem(const Secret& pem);
  std::string sign(std::string_view message) const;  // 64 bytes
  // SHA-256 of the public key in DER (SubjectPublicKeyInfo), lower-case hexadecimal: which key it is.
  const std::string& fingerprint() const { return fingerprint_; }

private:
  std::shared_ptr<void> key_;
  std::string fingerprint_;
};

class VerifyingKey {
public:
  // SubjectPublicKeyInfo, or a private key, whose public half is taken. wrong_value for anything else.
  static Result<VerifyingKey> from_pem(std::string_view pem);
  bool accepts(std::string_view message, std::string_view signature) const;
  const std::string& fingerprint() const { return fingerprint_; }

private:
  std::shared_ptr<void> key_;
  std::string fingerprint_;
};

}  // namespace capstan
