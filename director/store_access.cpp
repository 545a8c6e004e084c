#include "director/store_access.h"

#include <unistd.h>

#include "ipc/board.h"
#include "ipc/doorbell.h"
#include "ipc/presence_lock.h"

namespace callsheet {
inline namespace v1 {

namespace {

/// This process as a writer: one line on the board for all its directors, with a presence that proves whether it lives.
/// Its methods run on the store's thread.
class BoardWitness final : public WriterWitness {
 public:
  BoardWitness(std::shared_ptr<const StoreDirectory> directory, bool mayBeKilled)
      : directory_(std::move(directory)),
        self_(makeIncarnationID()),
        board_(Board::open(*directory_)),
        presence_(PresenceLock::acquire(*directory_, self_, PresenceInfo::ofThisProcess({}, "writer"))),
        slot_(std::make_unique<BoardSlot>(board_.takeSlot(self_, ::getpid(), mayBeKilled))) {}
  ~BoardWitness() override {
    slot_.reset();
    presence_.releaseAndUnlink();
  }

  void wants() override { slot_->writerWants(); }
  void began() override { slot_->writerBegan(); }
  void cleared() override { slot_->writerCleared(); }

 private:
  std::shared_ptr<const StoreDirectory> directory_;
  IncarnationID self_;
  Board board_;
  PresenceLock presence_;
  std::unique_ptr<BoardSlot> slot_;
};

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
    storeOptions.makeWitness = [directory = directory_, mayBeKilled = options.mayBeKilledAsWriter] {
      return std::make_shared<BoardWitness>(directory, mayBeKilled);
    };
    store_ = LmdbJobStore::open(directory_->dataPath(), storeOptions);
  }

  const StoreDirectory& directory() const override { return *directory_; }
  LmdbJobStore& store() const override { return *store_; }
  Doorbell& doorbell() const override { return *doorbell_; }

 private:
  std::shared_ptr<const StoreDirectory> directory_;
  std::shared_ptr<OwningDoorbell> doorbell_;
  std::shared_ptr<LmdbJobStore> store_;
};

}  // namespace

std::shared_ptr<StoreAccess> StoreAccess::open(const std::string& location, std::string_view id,
                                               const Options& options) {
  return std::make_shared<Access>(location, id, options);
}

}  // namespace v1
}  // namespace callsheet
