#include "director/store_access.h"

#include "director/board_witness.h"
#include "ipc/doorbell.h"
#include "ipc/signed_lock.h"

namespace callsheet {
inline namespace v1 {

namespace {

/// The directory must outlive whoever sends through it.
class OwningDoorbell final : public Doorbell {
 public:
  explicit OwningDoorbell(std::shared_ptr<const StoreDirectory> directory)
      : directory_(std::move(directory)), bells_(*directory_) {}
  void ring(IncarnationID incarnation) noexcept override { bells_.ring(incarnation); }
  void ringPrincipal() noexcept override { bells_.ringPrincipal(); }
  void ringAll() noexcept override { bells_.ringAll(); }
  void ringObservers() noexcept override { bells_.ringObservers(); }

 private:
  std::shared_ptr<const StoreDirectory> directory_;
  SocketDoorbell bells_;
};

class Access final : public StoreAccess {
 public:
  Access(const std::string& location, std::string_view id, const Options& options)
      : directory_(std::make_shared<const StoreDirectory>(
            StoreDirectory::open(location, id, {options.create, options.allowForeignFilesystem}))),
        doorbell_(std::make_shared<OwningDoorbell>(directory_)) {
    LmdbStoreOptions storeOptions;
    storeOptions.create = options.create;
    storeOptions.mapBytes = options.mapBytes;
    storeOptions.doorbell = doorbell_;
    // Called only when nobody in this process has it open yet.
    storeOptions.makeWitness = [&] {
      auto waiting = options.lookForStoppedWriters ? std::make_unique<WaitingWriter>(directory_, options.writerLimit,
                                                                                     options.lookForStoppedWriters)
                                                   : nullptr;
      witness_ = std::make_shared<BoardWitness>(directory_, options.mayBeKilledAsWriter, std::move(waiting));
      return witness_;
    };
    SignedLock::Rule rule;
    rule.stoppedLimit = options.writerLimit;
    rule.mayBeKilled = options.mayBeKilledAsWriter;
    storeOptions.guardOpening = [directory = directory_, rule] {
      return std::make_shared<SignedLock>(SignedLock::acquire(*directory, "env.open", rule));
    };
    store_ = LmdbJobStore::open(directory_->dataPath(), storeOptions);
  }

  const StoreDirectory& directory() const override { return *directory_; }
  LmdbJobStore& store() const override { return *store_; }
  Doorbell& doorbell() const override { return *doorbell_; }
  bool isWaitingToWrite() const override { return witness_ && witness_->isWaiting(); }

 private:
  std::shared_ptr<const StoreDirectory> directory_;
  std::shared_ptr<OwningDoorbell> doorbell_;
  std::shared_ptr<BoardWitness> witness_;
  std::shared_ptr<LmdbJobStore> store_;
};

}  // namespace

std::shared_ptr<StoreAccess> StoreAccess::open(const std::string& location, std::string_view id,
                                               const Options& options) {
  return std::make_shared<Access>(location, id, options);
}

}  // namespace v1
}  // namespace callsheet
